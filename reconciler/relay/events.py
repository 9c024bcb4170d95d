"""What the session core is told: facts, in the past tense. The counterpart is `commands.py`."""

import msgspec

from reconciler.model.desired import DesiredCharger
from reconciler.relay.leg_values import LegValues


class DesiredChanged(msgspec.Struct, frozen=True):
    """The controller wants this generation to run."""

    generation: int
    desired: DesiredCharger


class StationFrameReceived(msgspec.Struct, frozen=True):
    """The station sent one text message."""

    raw: bytes


class StationClosed(msgspec.Struct, frozen=True):
    """The station's socket is gone; nothing but leg events may follow."""

    reason: str


class LegOpened(msgspec.Struct, frozen=True):
    """The leg to a back-end is connected."""

    backend: str


class LegFrameReceived(msgspec.Struct, frozen=True):
    """A back-end sent one text message."""

    backend: str
    raw: bytes


class LegClosed(msgspec.Struct, frozen=True):
    """The leg to a back-end is gone; the shell dials again by itself unless it was told to close it."""

    backend: str
    reason: str


class LegDialFailed(msgspec.Struct, frozen=True):
    """A back-end could not be reached; the shell tries again by itself."""

    backend: str
    reason: str


class OrderAnswered(msgspec.Struct, frozen=True):
    """What a back-end ordered on its own leg is done: `answer` is the CALLRESULT's payload, None refuses (R13)."""

    order: int
    answer: bytes | None = None


class LegChanged(msgspec.Struct, frozen=True):
    """A back-end has set something on its leg (R13): `values` is what it reads there from now on.

    `restart_due`: something takes effect with the charger's next reset, which is about the leg then.
    """

    backend: str
    values: LegValues
    restart_due: bool = False


class OwnCallWanted(msgspec.Struct, frozen=True):
    """As the charger, call this back-end about its own leg (R13)."""

    backend: str
    action: str
    payload: bytes


class ResidueDisowned(msgspec.Struct, frozen=True):
    """A back-end wants gone what it left, and may not take it away itself any more (R14).

    `details` are beginnings of `Residue.detail`; any fits.
    """

    owner: str
    kind: str
    details: tuple[str, ...] = ("",)


class TimerFired(msgspec.Struct, frozen=True):
    """The instant that `Session.next_timer()` named has come."""


Event = (
    DesiredChanged
    | StationFrameReceived
    | StationClosed
    | LegOpened
    | LegFrameReceived
    | LegClosed
    | LegDialFailed
    | OrderAnswered
    | LegChanged
    | OwnCallWanted
    | ResidueDisowned
    | TimerFired
)
