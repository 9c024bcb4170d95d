"""Downward: commands of several back-ends share the station's one slot (R3, R8).

back-end CALL ──on its own leg?──yes──> leg_orders
                   └──may it?──no──> refusal, schema-valid
                   └─yes──> queue: owners first, FIFO within ──> the slot ──> station, under a fresh id
                                                 station's answer ──> back under the back-end's own id

While the station boots nothing takes the slot. A station that leaves several commands in a row unanswered is deaf on
this connection, whatever it still says itself (a half-open socket): its socket closes, and it dials a new one.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from reconciler.model.desired import LOCAL
from reconciler.model.features import RESIDUE_FEATURES
from reconciler.relay import translation
from reconciler.relay.commands import RememberCharger, SendToLeg
from reconciler.relay.envelope import Frame, Kind, call, call_error
from reconciler.relay.handover import Fate, fate_of
from reconciler.relay.leg import NEVER, CsmsLeg
from reconciler.relay.leg_orders import LegOrders
from reconciler.relay.leg_values import READS, shown_answer
from reconciler.relay.refusals import NOT_PERMITTED, refusal
from reconciler.relay.residue import Residue
from reconciler.relay.state import SessionState
from reconciler.relay.terminated import deletable_serials

DEAF: Final = 1011


class Downcall:
    """A CALL of a back-end on its way to the station, and its answer's way back."""

    __slots__ = ("_incarnation", "_leg", "deadline", "frame", "sent", "station_key")

    def __init__(self, leg: CsmsLeg, frame: Frame, deadline: float) -> None:
        self._leg = leg
        self._incarnation = leg.incarnation
        self.frame = frame
        self.deadline = deadline
        self.station_key = ""
        self.sent = b""
        """The payload as the station got it."""

    @property
    def backend(self) -> str:
        """The name of the back-end that asked."""
        return self._leg.name

    def came_on(self, leg: CsmsLeg | None) -> bool:
        """Return True where `leg` is still the very connection that asked."""
        return leg is self._leg and self._leg.connected and self._leg.incarnation == self._incarnation


class OwnCall:
    """A CALL of the relay's own: it takes away what an old owner left (R14). Nobody else sees its answer."""

    __slots__ = ("action", "deadline", "payload", "residue", "station_key")

    def __init__(self, action: str, payload: bytes, residue: Residue) -> None:
        self.action = action
        self.payload = payload
        self.residue = residue
        self.deadline = 0.0
        self.station_key = ""


class Downward:
    """The half of a session that carries CALLs from the back-ends to the station."""

    __slots__ = (
        "_answered",
        "_booting",
        "_in_flight",
        "_others",
        "_own",
        "_owners",
        "_pump_leg",
        "_state",
        "_timeouts",
        "orders",
    )

    def __init__(
        self, state: SessionState, pump_leg: Callable[[CsmsLeg], None], booting: Callable[[], bool] = lambda: False
    ) -> None:
        self._state = state
        self.orders = LegOrders(state, pump_leg)
        self._pump_leg = pump_leg
        self._booting = booting
        self._timeouts = 0
        """Commands in a row that the station did not answer in time."""
        self._owners: deque[Downcall] = deque()
        self._others: deque[Downcall] = deque()
        self._own: deque[OwnCall] = deque()
        self._in_flight: Downcall | OwnCall | None = None
        self._answered: deque[tuple[str, str, bytes, float]] = deque(maxlen=state.limits.answered_remembered)

    def leg_call(self, leg: CsmsLeg, frame: Frame) -> None:
        """Take a CALL of a back-end: refuse it, or let it wait for the station's slot."""
        state = self._state
        leg.frames += 1
        if frame.id in leg.commands_open:
            state.note("duplicate-call", leg.name, frame.action)
            return
        if self.orders.take(leg, frame):
            return
        reason = state.table.refusal_of_command(leg.name, frame)
        if reason is not None:
            self._refuse(leg, frame, "refused-call", reason)
            return
        if self._waiting() >= state.limits.commands_waiting_max:
            self._refuse(leg, frame, "queue-full", "too many commands wait for the charging station")
            return
        leg.commands_open.add(frame.id)
        downcall = Downcall(leg, frame, state.now + state.limits.command_wait_s)
        (self._owners if state.table.owner(frame) == leg.name else self._others).append(downcall)
        self.pump()

    def own_call(self, action: str, payload: bytes, residue: Residue) -> None:
        """Have the relay itself take `residue` away; it waits behind everybody's commands."""
        self._own.append(OwnCall(action, payload, residue))
        self.pump()

    def leg_result_error(self, leg: CsmsLeg, frame: Frame) -> None:
        """Bring a CALLRESULTERROR of a back-end (2.1) to the station whose answer it is about."""
        state = self._state
        for leg_key, backend, station_token, at in self._answered:
            fresh = state.now - at <= state.limits.answered_grace_s
            if leg_key == frame.id and backend == leg.name and fresh:
                state.send_station(frame.with_id(station_token))
                return
        state.note("stray-answer", leg.name, "CALLRESULTERROR")

    def station_answered(self, frame: Frame) -> None:
        """Take a CALLRESULT or CALLERROR of the station, back to whoever asked (R4)."""
        state, downcall = self._state, self._in_flight
        self._timeouts = 0  # a late answer, too, shows that it hears
        if downcall is None or downcall.station_key != frame.id:
            state.note("stray-answer", action="from the station")
            return
        self._in_flight = None
        if isinstance(downcall, OwnCall):
            self._own_call_answered(downcall, frame)
            self.pump()
            return
        leg = self._leg_of(downcall)
        if downcall.frame.action == "GetInstalledCertificateIds":
            state.deletable |= deletable_serials(downcall.frame, frame)
        raw = frame.with_id(downcall.frame.id_token)
        if frame.kind is Kind.CALLRESULT:
            theirs = translation.command_answer(state.memory, downcall.backend, downcall.frame, downcall.sent, frame)
            action, memory = downcall.frame.action, state.memory
            if theirs is None and action in READS and leg is not None and not frame.signed:
                theirs = self._shown(leg, action, frame)
            raw = raw if theirs is None else frame.rewritten(downcall.frame.id_token, theirs)
            if memory.residue.command_answered(downcall.backend, action, downcall.sent, frame):
                state.emit(RememberCharger())
        if leg is not None:
            self._finish(leg, downcall, raw)
            if state.version == "ocpp2.1":
                self._answered.append((downcall.frame.id, leg.name, frame.id_token, state.now))
        self.pump()

    def _shown(self, leg: CsmsLeg, action: str, frame: Frame) -> bytes | None:
        """Return the station's configuration with what the back-end has on its own leg; None for no change (R13)."""
        if leg.name == LOCAL or self._state.table.shares_credentials(leg.name):
            return None
        return shown_answer(self._state.values_of(leg), action, bytes(frame.payload))

    def _own_call_answered(self, own: OwnCall, frame: Frame) -> None:
        state, residue = self._state, own.residue
        fate = fate_of(residue, frame)
        if fate is Fate.GONE:
            state.memory.residue.gone(residue.kind, residue.key)
        else:
            state.note("handover-refused", "station", own.action, residue.kind)
        if fate is Fate.STUCK:
            state.memory.residue.stuck(residue)
        if fate is not Fate.LEFT:
            state.emit(RememberCharger())

    def owners_changed(self) -> None:
        """Refuse what waits and may no longer be commanded; what is under way finishes with whom it began (R10)."""
        state = self._state
        waiting = sorted((*self._owners, *self._others), key=lambda downcall: downcall.deadline)  # as they came
        self._owners.clear()
        self._others.clear()
        for downcall in waiting:
            leg = self._leg_of(downcall)
            reason = state.table.refusal_of_command(downcall.backend, downcall.frame)
            if leg is not None and reason is not None:
                leg.commands_open.discard(downcall.frame.id)
                self._refuse(leg, downcall.frame, "refused-call", reason)
            elif leg is not None:
                owned = state.table.owner(downcall.frame) == downcall.backend
                (self._owners if owned else self._others).append(downcall)

    def _waiting(self) -> int:
        """Count the commands that wait; those whose connection is gone don't."""
        for queue in (self._owners, self._others):
            lost = [downcall for downcall in queue if self._leg_of(downcall) is None]
            for downcall in lost:
                queue.remove(downcall)
        return len(self._owners) + len(self._others)

    def busy_with(self, backend: str) -> bool:
        """Return True while a command of `backend` is under way at the station."""
        return isinstance(self._in_flight, Downcall) and self._in_flight.backend == backend

    def pump(self) -> None:
        """Give the slot to the next command, if it is free and the station does not boot."""
        state = self._state
        waiting = self._owners or self._others or self._own
        if not waiting or self._in_flight is not None or self._booting():
            return
        while self._in_flight is None and (self._owners or self._others):
            downcall = self._owners.popleft() if self._owners else self._others.popleft()
            leg = self._leg_of(downcall)
            if leg is None:
                continue
            token = state.new_id_token()
            downcall.station_key = token[1:-1].decode()
            downcall.deadline = state.now + leg.spec.backend.call_timeout_s
            self._in_flight = downcall
            payload, minted = translation.command(state.memory, downcall.backend, downcall.frame)
            downcall.sent = payload
            state.send_station(downcall.frame.rewritten(token, payload), after_commit=minted)
        self._pump_own()

    def _pump_own(self) -> None:
        """Give the slot to the relay's own next command, behind everybody's."""
        while self._in_flight is None and self._own:
            own = self._own.popleft()
            if self._stands(own.residue):
                self._send_own(own)

    def _stands(self, residue: Residue) -> bool:
        """Return True while this thing is in the station and not its owner's to decide on."""
        owner = self._state.table.owners[RESIDUE_FEATURES[residue.kind]]
        return owner != residue.owner and residue in self._state.memory.residue

    def _send_own(self, own: OwnCall) -> None:
        state = self._state
        token = state.new_id_token()
        own.station_key = token[1:-1].decode()
        own.deadline = state.now + state.limits.own_call_timeout_s
        self._in_flight = own
        state.send_station(call(token, own.action, own.payload))

    def expire(self) -> None:
        """Refuse what waited for too long; give up on a station that does not answer."""
        state = self._state
        if self._in_flight is not None and state.now >= self._in_flight.deadline:
            self._give_up(self._in_flight)
        for queue in (self._owners, self._others):
            while queue and state.now >= queue[0].deadline:
                late = queue.popleft()
                leg = self._leg_of(late)
                if leg is not None:
                    leg.commands_open.discard(late.frame.id)
                    self._refuse(leg, late.frame, "queue-timeout", "the charging station is busy with other commands")
        self.pump()

    def _give_up(self, late: Downcall | OwnCall) -> None:
        state = self._state
        self._in_flight = None
        action = late.action if isinstance(late, OwnCall) else late.frame.action
        state.note("call-timeout", "station", action)
        leg = self._leg_of(late) if isinstance(late, Downcall) else None
        if leg is not None and isinstance(late, Downcall):
            why = f"the charging station did not answer {action} in time"
            self._finish(leg, late, call_error(late.frame.id_token, "InternalError", why))
        self._timeouts += 1
        if self._timeouts == state.limits.deaf_after_timeouts:
            state.close_station(DEAF, f"no answer to {self._timeouts} commands in a row")

    def next_timer(self) -> float:
        """Return when `expire` next has something to do, or NEVER."""
        due = NEVER if self._in_flight is None else self._in_flight.deadline
        for queue in (self._owners, self._others):
            if queue and queue[0].deadline < due:
                due = queue[0].deadline
        return due

    def _leg_of(self, downcall: Downcall) -> CsmsLeg | None:
        """Return the leg that asked, or None where that very connection is gone."""
        leg = self._state.legs.get(downcall.backend)
        return leg if downcall.came_on(leg) else None

    def _finish(self, leg: CsmsLeg, downcall: Downcall, raw: bytes) -> None:
        leg.commands_open.discard(downcall.frame.id)
        leg.frames += 1
        self._state.emit(SendToLeg(leg.name, raw))
        self._pump_leg(leg)  # a half-duplex back-end may be called again

    def _refuse(self, leg: CsmsLeg, frame: Frame, what: str, reason: str) -> None:
        state = self._state
        state.note(what, leg.name, frame.action, reason)
        # `local` is the relay itself: it is told why, and tells a person.
        ours = leg.name == LOCAL
        raw = call_error(frame.id_token, NOT_PERMITTED, reason) if ours else refusal(state.version, frame, reason)
        state.emit(SendToLeg(leg.name, raw))
        self._pump_leg(leg)  # as in `_finish`
