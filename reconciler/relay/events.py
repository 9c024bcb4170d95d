"""What the session core is told: facts, in the past tense. The counterpart is `commands.py`."""

from dataclasses import dataclass

from reconciler.model.desired import DesiredCharger


@dataclass(frozen=True, slots=True)
class DesiredChanged:
    """The controller wants this generation to run."""

    generation: int
    desired: DesiredCharger


@dataclass(frozen=True, slots=True)
class StationFrameReceived:
    """The station sent one text message."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class StationClosed:
    """The station's socket is gone; nothing but leg events may follow."""

    reason: str


@dataclass(frozen=True, slots=True)
class LegOpened:
    """The leg to a back-end is connected."""

    backend: str


@dataclass(frozen=True, slots=True)
class LegFrameReceived:
    """A back-end sent one text message."""

    backend: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class LegClosed:
    """The leg to a back-end is gone; the shell dials again by itself unless it was told to close it."""

    backend: str
    reason: str


@dataclass(frozen=True, slots=True)
class LegDialFailed:
    """A back-end could not be reached; the shell tries again by itself."""

    backend: str
    reason: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The instant that `Session.next_timer()` named has come."""


Event = (
    DesiredChanged
    | StationFrameReceived
    | StationClosed
    | LegOpened
    | LegFrameReceived
    | LegClosed
    | LegDialFailed
    | TimerFired
)
