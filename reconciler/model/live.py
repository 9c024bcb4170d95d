"""Live state: what the relay's sessions really run now, as read from the relay."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec


class LegPhase(StrEnum):
    """Where one CSMS leg stands between dialling and being a registered charger there (R9)."""

    DIALLING = "dialling"
    CONNECTED = "connected"
    """The socket is open; nothing was sent yet because no BootNotification is known."""
    REGISTERING = "registering"
    """BootNotification was sent and may still be answered."""
    UNANSWERED = "unanswered"
    """BootNotification was not answered in time; it will be sent again."""
    PENDING = "pending"
    REJECTED = "rejected"
    REGISTERED = "registered"
    DOWN = "down"
    """No connection; `detail` says why, the relay dials again by itself."""


class LiveLeg(msgspec.Struct, frozen=True, gc=False):
    """One CSMS leg; times are seconds since the epoch."""

    backend: str
    role: str
    phase: LegPhase
    since_s: float
    detail: str = ""
    calls: int = 0
    """Frames forwarded to and from this back-end on this leg."""
    credential: str = ""
    """What the back-end itself has set on this leg, for people (fingerprints only); "": all is as the spec has it."""
    certificate_expires_s: float = 0.0
    """When the client certificate that this back-end has signed expires; 0 where there is none."""


class LiveTransaction(msgspec.Struct, frozen=True, gc=False):
    """An open transaction; `id` is the station's."""

    id: str
    owner: str
    since_s: float
    connector: str = ""


class LiveResidue(msgspec.Struct, frozen=True, gc=False):
    """How many things of one kind a back-end left in the station (R14), for example 2 charging-profile."""

    kind: str
    owner: str
    count: int
    stuck: int = 0
    """Of these: what the station has no command to take away with."""


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A generation that the relay refused (NACK), and why; the last good one keeps running."""

    generation: int
    reason: str


class LiveCharger(msgspec.Struct, frozen=True, gc=False):
    """One charger as the relay runs it; an offline charger has no legs and generation 0."""

    name: str
    connected: bool
    since_s: float
    """Connected (or last disconnected) since; seconds since the epoch, 0 where never seen."""
    version: str | None = None
    generation: int = 0
    owners: Mapping[str, str] | None = None
    legs: tuple[LiveLeg, ...] = ()
    transactions: tuple[LiveTransaction, ...] = ()
    residue: tuple[LiveResidue, ...] = ()
    kept_calls: int = 0
    """Acknowledged calls that wait for an owner that is away (R11)."""
    refused: Refusal | None = None
    connections: int = 0
    """Accepted station connections since the relay started."""
    because: str = ""
    """`DesiredCharger.because` of what it runs."""
    node: str = ""
    """Where it is connected, or was last; "" where there is one node only."""
    certificate_expires_s: float = 0.0
    """When the certificate that the station last came in with expires; 0 where it showed none."""


class Ack(msgspec.Struct, frozen=True, gc=False):
    """This generation runs."""

    generation: int


class Deferred(msgspec.Struct, frozen=True, gc=False):
    """The charger is offline; this generation runs from its next connection."""

    generation: int


Outcome = Ack | Deferred | Refusal
"""What became of a generation the controller asked for."""


class Stranger(msgspec.Struct, frozen=True):
    """A station that knocked and is not declared.

    `versions` as it offered them; `profile` is the security profile of the way it came, `at` its last knock.
    """

    identity: str
    versions: tuple[str, ...]
    profile: int
    at: datetime
    knocks: int = 1
