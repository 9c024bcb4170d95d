"""One CSMS leg: where it stands in its registration, and the calls that wait for it or are under way on it.

                 opened                 boot sent               Accepted
    DIALLING ───────────> CONNECTED ───────────> REGISTERING ───────────> REGISTERED
       ^  ^                                        │     ^ retry after interval
       │  └── dialled again by the shell ── DOWN <─┼──── PENDING, REJECTED, UNANSWERED
       └──────────────── any state, closed ────────┘

Rules kept here: at most one CALL is under way (R3); nothing but a BootNotification is sent before one was accepted
(R9). The exception is `transparent`: on the leg of the back-end that answers the station's own BootNotification,
the station's frames pass whatever it answered, for then the two of them deal with it as if directly connected.
"""

from collections import deque
from enum import Enum, auto
from typing import Final

from reconciler.model.desired import DesiredLeg
from reconciler.model.live import LegPhase
from reconciler.relay.composition import Composition
from reconciler.relay.envelope import Frame
from reconciler.relay.leg_values import LegValues
from reconciler.relay.transaction_ids import TransactionIds

NEVER: Final = float("inf")
"""The time of what is not due at all."""

_PRESENT: Final = (LegPhase.REGISTERED, LegPhase.PENDING, LegPhase.REJECTED)
_APART: Final = (LegPhase.DIALLING, LegPhase.DOWN)
_STEADY_S: Final = 5.0
"""A connection that lasts less is no return."""


class Origin(Enum):
    """Why a CALL goes up, hence what its answer is good for."""

    STATION = auto()
    """The station's own; this back-end owns the feature and the station gets the answer."""
    COPY = auto()
    """The station's own, for an observer; the answer is read for ids and goes no further (R7)."""
    BACKLOG = auto()
    """The station's own, acknowledged by the relay while this back-end was away; the answer frees its place (R11)."""
    PART = auto()
    """The station's own, for a back-end that owns a part of the answer (R6)."""
    BOOT = auto()
    """A BootNotification replayed by the relay; the answer decides the leg's phase."""
    OWN = auto()
    """A replayed StatusNotification or a Heartbeat of the relay's; the answer is of no use."""


class StationCall:
    """A CALL of the station that its owner has not answered yet. `times` counts how often the station sent it."""

    __slots__ = ("composition", "deadline", "frame", "ids", "owner", "times")

    def __init__(self, frame: Frame, owner: str, deadline: float, ids: TransactionIds | None) -> None:
        self.frame = frame
        self.owner = owner
        self.deadline = deadline
        self.ids = ids
        self.times = 1
        self.composition: Composition | None = None


class Upcall:
    """A CALL that waits for a leg or is under way on it."""

    __slots__ = (
        "action",
        "call",
        "copy",
        "deadline",
        "frame",
        "ids",
        "key",
        "moved",
        "origin",
        "payload",
        "seq",
        "tries",
    )

    def __init__(
        self,
        origin: Origin,
        action: str,
        deadline: float,
        *,
        frame: Frame | None = None,
        payload: bytes = b"{}",
        call: StationCall | None = None,
        ids: TransactionIds | None = None,
        seq: int = 0,
        copy: "Upcall | None" = None,
    ) -> None:
        self.origin = origin
        self.action = action
        self.deadline = deadline
        self.frame = frame
        self.payload = payload
        self.call = call
        self.ids = ids
        self.seq = seq
        """Its place in the backlog."""
        self.copy = copy
        """The copy that it stands for, should this back-end be an observer again before it is sent."""
        self.tries = 0
        self.moved = False
        """It changed owners before it was sent; the new one may know its message id from a copy."""
        self.key = ""
        """The message id on this leg, once under way."""

    @property
    def begins(self) -> bool:
        """True for what a connection begins with: a BootNotification, and the last statuses (R9)."""
        replayed_status = self.origin is Origin.OWN and self.action in ("StatusNotification", "NotifyEvent")
        return replayed_status or self.action == "BootNotification"


class CsmsLeg:
    """The leg to one back-end. Times are the session's monotonic seconds."""

    __slots__ = (
        "_away_since",
        "answers",
        "boot_due",
        "commands_open",
        "connected",
        "detail",
        "frames",
        "heartbeat_due",
        "heartbeat_interval_s",
        "in_flight",
        "incarnation",
        "phase",
        "restart_due",
        "since",
        "spec",
        "transparent",
        "values",
        "waiting",
    )

    def __init__(self, spec: DesiredLeg, now: float) -> None:
        self.spec = spec
        self.phase = LegPhase.DIALLING
        self.connected = False
        """True while the socket is open."""
        self.since = now
        self._away_since: float | None = now
        self.answers = 0
        self.detail = ""
        self.incarnation = 0
        """Counts connections, so that an answer never reaches a later connection than the one that asked."""
        self.waiting: deque[Upcall] = deque()
        self.in_flight: Upcall | None = None
        self.transparent = False
        self.heartbeat_interval_s = 0.0
        self.heartbeat_due: float | None = None
        self.boot_due: float | None = None
        self.commands_open: set[str] = set()
        """Message ids of this back-end's CALLs that it has no answer to yet."""
        self.frames = 0
        self.restart_due = False
        """The back-end has changed what takes effect with the next reset."""
        self.values: LegValues | None = None
        """What the back-end reads of this leg where it has set something; None: what the spec says."""

    @property
    def name(self) -> str:
        """The back-end's name."""
        return self.spec.backend.name

    @property
    def away_since(self) -> float | None:
        """Since when this back-end can't be reached, None while its socket is open; one that flaps stays away."""
        return None if self.connected else self._away_since

    def enter(self, phase: LegPhase, now: float, detail: str = "") -> None:
        """Move to `phase`."""
        self.phase, self.since, self.detail = phase, now, detail
        self.connected = phase not in _APART
        if phase in _PRESENT:
            self._away_since = None

    def opened(self, now: float) -> None:
        """The socket is open: a new connection that knows nothing of the last one."""
        self.incarnation += 1
        self.enter(LegPhase.CONNECTED, now)

    def closed(self, now: float, detail: str) -> None:
        """The socket is gone: what was under way waits again, except what the next connection has no use for."""
        if self._away_since is None or (self.connected and now - self.since >= _STEADY_S):
            self._away_since = now
        if self.phase is not LegPhase.DOWN:
            self.enter(LegPhase.DOWN, now, detail)
        else:
            self.detail = detail
        if self.in_flight is not None:
            self.waiting.appendleft(self.in_flight)
            self.in_flight = None
        self.drop_backlog()
        self.waiting = deque(up for up in self.waiting if up.origin in (Origin.STATION, Origin.COPY, Origin.PART))
        self.transparent = False
        self.heartbeat_due = self.boot_due = None
        self.commands_open.clear()

    def next_call(self) -> Upcall | None:
        """Take the call that may be sent now, or return None."""
        if not self.waiting or self.in_flight is not None or not self.connected:
            return None
        if self.spec.backend.half_duplex and self.commands_open:
            return None
        if self.phase is LegPhase.REGISTERED or self.waiting[0].action == "BootNotification":
            return self.waiting.popleft()
        if self.transparent:
            return self._take_stations_own()
        return None

    def _take_stations_own(self) -> Upcall | None:
        for upcall in self.waiting:
            if upcall.origin is Origin.STATION:
                self.waiting.remove(upcall)
                return upcall
        return None

    def wait_again(self, kept: Upcall) -> None:
        """Let a kept call wait again in its place: only a beginning and what was kept before it go first (R9, R11)."""
        place = 0
        for upcall in self.waiting:
            older = upcall.origin is Origin.BACKLOG and upcall.seq < kept.seq
            if not (older or upcall.begins):
                break
            place += 1
        self.waiting.insert(place, kept)

    def drop_waiting(self, origin: Origin, action: str | None = None) -> None:
        """Forget what waits of this origin, and of this action where one is given."""
        self.waiting = deque(up for up in self.waiting if not (up.origin is origin and action in (None, up.action)))

    def drop_backlog(self) -> None:
        """Forget what waits of the backlog; the copies that it stood for wait again."""
        self.waiting = deque(
            up.copy or up for up in self.waiting if up.origin is not Origin.BACKLOG or up.copy is not None
        )

    def has_boot(self) -> bool:
        """Return True where a BootNotification waits or is under way here."""
        if self.in_flight is not None and self.in_flight.action == "BootNotification":
            return True
        return any(up.action == "BootNotification" for up in self.waiting)

    def next_timer(self) -> float:
        """Return when this leg next wants attention, or NEVER."""
        due = NEVER if self.heartbeat_due is None else self.heartbeat_due
        if self.boot_due is not None and self.boot_due < due:
            due = self.boot_due
        if self.in_flight is not None and self.in_flight.deadline < due:
            due = self.in_flight.deadline
        for upcall in self.waiting:
            if upcall.deadline < due:
                due = upcall.deadline
        return due
