"""Registration: each CSMS leg looks like one well-behaved charger (R9).

    leg opened ──> the station's last BootNotification ──Accepted──> last status of every connector ──> heartbeats
                                   └──Pending, Rejected──> the same again after the interval that was named

A station that boots by itself is waited for (`boot_grace_s`), so that no back-end sees two boots in a row. Where no
BootNotification is known at all (a station the relay never saw boot), the owner of provisioning is spoken to as by
a charger that merely reconnected; every other leg waits.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from reconciler.model.live import LegPhase
from reconciler.relay.availability import NOTIFY_EVENT
from reconciler.relay.commands import ForgetCalls, LegRegistered
from reconciler.relay.envelope import UNREADABLE, Frame, Kind
from reconciler.relay.leg import NEVER, CsmsLeg, Origin, Upcall
from reconciler.relay.shapes import BootAnswer
from reconciler.relay.state import SessionState

BOOT: Final = "BootNotification"
STATUS: Final = "StatusNotification"
HEARTBEAT: Final = "Heartbeat"

_PHASES: Final = {"Accepted": LegPhase.REGISTERED, "Pending": LegPhase.PENDING}
_NOT_ACCEPTED: Final = (LegPhase.PENDING, LegPhase.REJECTED, LegPhase.UNANSWERED)
_OWNER_SLACK: Final = 1.1
"""The station beats towards one owner by itself; the relay adds a beat there only where the station is late."""


_BOOT_ANSWER: Final = msgspec.json.Decoder(BootAnswer)


class Registration:
    """Registers every leg of one session and keeps it registered. `pump` sends what a leg may now send."""

    __slots__ = ("_accepted", "_grace_until", "_pump", "_spoke", "_state", "pending")

    def __init__(self, state: SessionState, pump: Callable[[CsmsLeg], None]) -> None:
        self._state = state
        self._pump = pump
        self._spoke = False
        self._grace_until: float | None = None
        self._accepted = False
        """Whoever owns provisioning accepted the station's own boot: the next one is a reboot, not a retry."""
        self.pending = False
        """The owner of provisioning answered the station's own boot with Pending."""

    @property
    def may_boot(self) -> bool:
        """Return True while a station that has just connected may still boot by itself."""
        return self._grace_until is not None

    def let_go(self) -> None:
        """Forget who sends: with the station gone nothing is sent, and what refers to itself is not freed at once."""
        self._pump = _nobody

    def station_opened(self) -> None:
        """Give the station a moment to boot by itself."""
        self._grace_until = self._state.now + self._state.limits.boot_grace_s

    def station_spoke(self) -> None:
        """The station sent its first frames: from now on its silence about a boot means that it won't boot."""
        if not self._spoke:
            self._spoke = True
            self._grace_until = None
            for leg in self._state.legs.values():
                self.register(leg)

    def station_boots(self, frame: Frame, owner: str) -> None:
        """Take the station's own BootNotification: other legs learn of it, unless it only repeats a refused one."""
        self._state.memory.station_booted(frame)
        reboot, self._accepted = self._accepted, False
        for leg in self._state.legs.values():
            if leg.name != owner and leg.connected and (reboot or leg.phase is not LegPhase.REGISTERED):
                self._replay_boot(leg)

    def leg_opened(self, leg: CsmsLeg) -> None:
        """Begin on a new connection."""
        leg.opened(self._state.now)
        self.register(leg)

    def register(self, leg: CsmsLeg) -> None:
        """Register `leg` if it is connected and not yet registered, and if now is the time."""
        state = self._state
        if leg.phase is not LegPhase.CONNECTED or leg.has_boot():
            return
        if state.memory.boot is not None:
            if self._spoke or self._grace_until is None:
                self._replay_boot(leg)
        elif self._spoke and leg.name == state.table.owners["provisioning"]:
            leg.enter(LegPhase.REGISTERED, state.now, "no BootNotification is known: resumed as a reconnection")
            leg.transparent = True
            state.emit(LegRegistered(leg.name))
            self.drain(leg)
            self._pump(leg)
        else:
            leg.detail = "waits for the station's BootNotification"

    def own_boot_answered(self, leg: CsmsLeg, frame: Frame) -> None:
        """Read the owner's answer to the station's own boot, which the station gets as it is."""
        self._boot_answered(leg, frame, retry=leg.name != self._state.table.owners["provisioning"])
        self.pending = leg.phase is LegPhase.PENDING
        self._accepted = self._state.memory.accepted = leg.phase is LegPhase.REGISTERED

    def replayed_boot_answered(self, leg: CsmsLeg, frame: Frame) -> None:
        """Read the answer to a replayed boot."""
        self._boot_answered(leg, frame, retry=True)
        if leg.name == self._state.table.owners["provisioning"] and leg.phase is LegPhase.REGISTERED:
            self._state.memory.accepted = True

    def boot_expired(self, leg: CsmsLeg) -> None:
        """A replayed boot was not answered in time, or could not even be sent: it is repeated later."""
        self.unanswered(leg)
        leg.boot_due = self._state.now + self._state.limits.boot_retry_default_s

    def unanswered(self, leg: CsmsLeg) -> None:
        """Nobody waits for this leg's answer to a BootNotification any more, the station's own or a replayed one."""
        leg.enter(LegPhase.UNANSWERED, self._state.now, f"{leg.name} does not answer BootNotification")

    def roles_changed(self) -> None:
        """Speak to whoever no longer answers the station's own boots as to every other back-end."""
        state = self._state
        for leg in state.legs.values():
            if leg.name != state.table.owners["provisioning"]:
                leg.transparent = False
                if leg.phase in _NOT_ACCEPTED and leg.boot_due is None:
                    leg.boot_due = state.now + state.limits.boot_retry_default_s

    def beat_sent(self, leg: CsmsLeg) -> None:
        """A Heartbeat went up on `leg`, whoever made it."""
        if leg.heartbeat_due is not None:
            slack = _OWNER_SLACK if leg.name == self._state.table.owners["availability"] else 1.0
            leg.heartbeat_due = self._state.now + leg.heartbeat_interval_s * slack

    def expire(self) -> None:
        """Do what is due: end of the grace, boot retries, heartbeats."""
        now = self._state.now
        if self._grace_until is not None and now >= self._grace_until:
            self._grace_until = None
            for leg in self._state.legs.values():
                self.register(leg)
        for leg in self._state.legs.values():
            if leg.boot_due is not None and now >= leg.boot_due:
                leg.boot_due = None
                if not leg.has_boot():
                    self._replay_boot(leg)
            if leg.heartbeat_due is not None and now >= leg.heartbeat_due:
                self._beat(leg)

    def next_timer(self) -> float:
        """Return the end of the grace, or NEVER; each leg knows its own timers."""
        return NEVER if self._grace_until is None else self._grace_until

    def _replay_boot(self, leg: CsmsLeg) -> None:
        state = self._state
        if state.memory.boot is None:
            return
        leg.drop_waiting(Origin.BOOT)
        leg.enter(LegPhase.REGISTERING, state.now)
        leg.heartbeat_due = leg.boot_due = None
        deadline = state.now + leg.spec.backend.call_timeout_s
        leg.waiting.appendleft(Upcall(Origin.BOOT, BOOT, deadline, payload=state.memory.boot))
        self._pump(leg)

    def _boot_answered(self, leg: CsmsLeg, frame: Frame, *, retry: bool) -> None:
        state, limits = self._state, self._state.limits
        answer = BootAnswer()
        if frame.kind is Kind.CALLRESULT:
            try:
                answer = _BOOT_ANSWER.decode(frame.payload)
            except UNREADABLE:
                answer = BootAnswer("unreadable answer")
        phase = _PHASES.get(answer.status, LegPhase.REJECTED)
        if phase is LegPhase.REGISTERED:
            self._accepted_by(leg, answer.interval_s)
            return
        said = answer.status or "CALLERROR"
        leg.enter(phase, state.now, f"{leg.name} answered BootNotification with {said}")
        state.note("leg-registration", leg.name, BOOT, said)
        if retry:
            wait = answer.interval_s or limits.boot_retry_default_s
            leg.boot_due = state.now + max(wait, limits.boot_retry_min_s)

    def _accepted_by(self, leg: CsmsLeg, interval_s: float) -> None:
        state = self._state
        if leg.has_boot():
            return  # the station booted again meanwhile; the answer to that boot counts
        leg.enter(LegPhase.REGISTERED, state.now)
        state.emit(LegRegistered(leg.name))
        leg.drop_waiting(Origin.COPY, STATUS)
        for action in (STATUS, NOTIFY_EVENT):
            leg.drop_waiting(Origin.OWN, action)
        self.drain(leg)
        deadline = state.now + state.limits.copy_age_max_s
        if (events := state.memory.availability.payload()) is not None:
            leg.waiting.appendleft(Upcall(Origin.OWN, NOTIFY_EVENT, deadline, payload=events))
        for payload in reversed(state.memory.statuses.values()):
            leg.waiting.appendleft(Upcall(Origin.OWN, STATUS, deadline, payload=payload))
        leg.boot_due = None
        leg.heartbeat_interval_s = max(interval_s, state.limits.heartbeat_interval_min_s)
        leg.heartbeat_due = state.now if interval_s > 0 else None
        self.beat_sent(leg)

    def drain(self, leg: CsmsLeg) -> None:
        """Let what was kept for this owner go up before anything else, oldest first (R11)."""
        state = self._state
        if not leg.waiting and not len(state.memory.backlog):
            return
        leg.drop_backlog()
        copies = {id(up.frame): up for up in leg.waiting if up.origin is Origin.COPY}
        under_way = {other.in_flight.seq for other in state.legs.values() if other.in_flight is not None}
        known: list[int] = []
        backlog: list[Upcall] = []
        for kept in state.memory.backlog:
            elsewhere = kept.seq in under_way or kept.version != state.version
            if elsewhere or state.table.owner(kept.frame) != leg.name:
                continue
            if leg.name in kept.seen_by:
                known.append(kept.seq)
                continue
            copy = copies.get(id(kept.frame))
            backlog.append(Upcall(Origin.BACKLOG, kept.frame.action, NEVER, frame=kept.frame, seq=kept.seq, copy=copy))
        if known:
            state.memory.backlog.forget(known)
            state.emit(ForgetCalls(tuple(known)))
        if leg.phase is not LegPhase.REGISTERED:
            return
        first = [up for up in leg.waiting if up.begins]
        ours = {id(up.frame) for up in backlog}  # what waits as a copy goes up as the owner's own instead
        rest = [up for up in leg.waiting if not up.begins and id(up.frame) not in ours]
        leg.waiting = deque((*first, *backlog, *rest))

    def prove(self, leg: CsmsLeg) -> None:
        """Send a Heartbeat at once: a new owner is confirmed by its first answer (R10)."""
        deadline = self._state.now + leg.spec.backend.call_timeout_s
        leg.waiting.append(Upcall(Origin.OWN, HEARTBEAT, deadline))
        self._pump(leg)

    def _beat(self, leg: CsmsLeg) -> None:
        leg.heartbeat_due = self._state.now + leg.heartbeat_interval_s
        if leg.phase is LegPhase.REGISTERED and leg.in_flight is None and not leg.waiting:
            deadline = self._state.now + leg.spec.backend.call_timeout_s
            leg.waiting.append(Upcall(Origin.OWN, HEARTBEAT, deadline))
            self._pump(leg)


def _nobody(leg: CsmsLeg) -> None:
    """Send nothing."""
