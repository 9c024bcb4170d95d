"""Upward: the station's calls go to their owners, copies to observers, and answers come back (R2, R3, R4, R7).

station CALL ──> StationCall ──┬─> Upcall(STATION) on the owner's leg ──answer──> the station
                               └─> Upcall(COPY) on each observer's leg ──answer──> read for ids, goes no further
"""

from collections import deque
from typing import Final

from reconciler.model.live import LegPhase
from reconciler.relay.commands import IdTokenAccepted, RememberCharger, SendToLeg
from reconciler.relay.envelope import Frame, Kind, call, call_error, call_result
from reconciler.relay.leg import CsmsLeg, Origin, StationCall, Upcall
from reconciler.relay.registration import BOOT, HEARTBEAT, STATUS, Registration
from reconciler.relay.state import SessionState
from reconciler.relay.terminated import concerns_leg
from reconciler.relay.tokens import accepted_token
from reconciler.relay.transaction_ids import TransactionIds

MESSAGE_ID_MAX: Final = 36
TRY_AGAIN_LATER: Final = 1013
POLICY_VIOLATION: Final = 1008
_TRANSACTION_ACTIONS: Final = frozenset({"StartTransaction", "StopTransaction", "TransactionEvent"})
_ACCEPTED: Final = b'"Accepted"'


class Upward:
    """The half of a session that carries CALLs from the station to the back-ends."""

    __slots__ = ("_answered", "_calls", "_state", "registration")

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._calls: dict[str, StationCall] = {}
        self._answered: deque[tuple[str, str, bytes, float]] = deque(maxlen=state.limits.answered_remembered)
        self.registration = Registration(state, self.pump)

    # -- from the station --------------------------------------------------------------------------------------

    def station_call(self, frame: Frame) -> None:
        """Take a CALL of the station: to its owner, with copies to whoever observes."""
        state = self._state
        open_ = self._calls.get(frame.id)
        if open_ is not None and open_.frame.raw == frame.raw:
            open_.times += 1
            state.note("duplicate-call", open_.owner, frame.action)
            return
        if len(self._calls) >= state.limits.station_calls_max:
            state.note("too-many-calls", action=frame.action)
            state.close_station(POLICY_VIOLATION, "too many open calls")
            return
        owner = state.table.owner(frame)
        leg = state.legs[owner]
        if not state.table.shares_credentials(owner) and self._terminated(frame):
            return
        starts = frame.action == "StartTransaction" and not frame.signed
        ids = state.memory.ids.begin() if starts else None
        station_call = StationCall(frame, owner, state.now + self._patience_s(leg), ids)
        self._calls[frame.id if open_ is None else f"{frame.id}\x00{state.new_id()}"] = station_call
        upcall = Upcall(Origin.STATION, frame.action, station_call.deadline, frame=frame, call=station_call, ids=ids)
        if frame.action == BOOT:
            leg.waiting.appendleft(upcall)
            self.registration.station_boots(frame, owner)
            state.emit(RememberCharger())
        else:
            leg.waiting.append(upcall)
        if frame.action == STATUS:
            state.memory.status_reported(frame)
            state.emit(RememberCharger())
        self.registration.station_spoke()
        self.pump(leg)
        for observer in state.table.observers(frame, owner):
            self._copy(state.legs[observer], frame, ids)

    def _terminated(self, frame: Frame) -> bool:
        """Answer what the station asks of its own leg: no back-end may sign its certificate for it (R13)."""
        state = self._state
        if not concerns_leg(state.table.action(frame.action), frame, state.deletable):
            return False
        state.note("refused-call", "station", frame.action, "concerns the station's own leg")
        state.send_station(call_result(frame.id_token, b'{"status":"Rejected"}'))
        return True

    def station_send(self, frame: Frame) -> None:
        """Pass a SEND (2.1) to its owner and observers; it takes no slot and has no answer."""
        state = self._state
        owner = state.table.owner(frame)
        for name in (owner, *state.table.observers(frame, owner)):
            leg = state.legs[name]
            if leg.phase is LegPhase.REGISTERED or (leg.transparent and name == owner):
                leg.frames += 1
                state.emit(SendToLeg(name, frame.raw))
            else:
                state.note("copy-dropped", name, frame.action, "a SEND is never stored")

    def station_result_error(self, frame: Frame) -> None:
        """Bring a CALLRESULTERROR of the station (2.1) to the back-end whose answer it is about."""
        state = self._state
        for station_id, backend, leg_token, at in self._answered:
            leg, fresh = state.legs.get(backend), state.now - at <= state.limits.answered_grace_s
            if station_id == frame.id and fresh and leg is not None and leg.connected:
                state.emit(SendToLeg(backend, frame.with_id(leg_token)))
                return
        state.note("stray-answer", action="CALLRESULTERROR")

    def _copy(self, leg: CsmsLeg, frame: Frame, ids: TransactionIds | None) -> None:
        state = self._state
        if len(leg.waiting) >= state.limits.upward_waiting_max:
            state.note("copy-dropped", leg.name, frame.action, "too many wait for this back-end")
            return
        deadline = state.now + state.limits.copy_age_max_s
        leg.waiting.append(Upcall(Origin.COPY, frame.action, deadline, frame=frame, ids=ids))
        self.pump(leg)

    def _patience_s(self, leg: CsmsLeg) -> float:
        timeout = leg.spec.backend.call_timeout_s
        return timeout - min(self._state.limits.answer_margin_s, timeout / 6)

    # -- to a back-end -----------------------------------------------------------------------------------------

    def pump(self, leg: CsmsLeg) -> None:
        """Send the next call on `leg` if there is one and it may be sent."""
        upcall = leg.next_call()
        if upcall is None:
            return
        state = self._state
        token = self._id_token(upcall)
        upcall.key = token[1:-1].decode()
        leg.in_flight = upcall
        leg.frames += 1
        if upcall.origin is not Origin.STATION:
            upcall.deadline = state.now + leg.spec.backend.call_timeout_s
        if upcall.action == HEARTBEAT:
            self.registration.beat_sent(leg)
        elif upcall.action == BOOT and upcall.origin is Origin.STATION:
            leg.transparent = True
            leg.enter(LegPhase.REGISTERING, state.now)
        state.emit(SendToLeg(leg.name, self._raw(leg, upcall, token)))

    def _raw(self, leg: CsmsLeg, upcall: Upcall, token: bytes) -> bytes:
        frame = upcall.frame
        if frame is None:
            return call(token, upcall.action, upcall.payload)
        state = self._state
        if state.version == "ocpp1.6" and not frame.signed:
            sent = bytes(frame.payload)
            owner = upcall.origin is Origin.STATION
            mapped = state.memory.ids.to_backend(leg.name, upcall.action, sent, owner=owner)
            if mapped != sent:
                return frame.rewritten(token, mapped)
        return frame.with_id(token)

    def _id_token(self, upcall: Upcall) -> bytes:
        frame = upcall.frame
        if frame is not None and len(frame.id) <= MESSAGE_ID_MAX and frame.id_token == b'"%b"' % frame.id.encode():
            return frame.id_token
        return self._state.new_id_token()

    # -- from a back-end ---------------------------------------------------------------------------------------

    def leg_answered(self, leg: CsmsLeg, frame: Frame) -> None:
        """Take a CALLRESULT or CALLERROR of a back-end."""
        upcall = leg.in_flight
        if upcall is None or upcall.key != frame.id:
            self._state.note("stray-answer", leg.name)
            return
        leg.in_flight = None
        leg.frames += 1
        if upcall.origin is Origin.STATION:
            self._answer_station(leg, upcall, frame)
        elif upcall.origin is Origin.BOOT:
            self.registration.replayed_boot_answered(leg, frame)
        elif upcall.ids is not None and frame.kind is Kind.CALLRESULT:
            self._state.memory.ids.observer_answered(upcall.ids, leg.name, bytes(frame.payload))
            self._state.emit(RememberCharger())
        self.pump(leg)

    def _answer_station(self, leg: CsmsLeg, upcall: Upcall, frame: Frame) -> None:
        state, station_call, asked = self._state, upcall.call, upcall.frame
        if station_call is None or asked is None or not self._close_call(station_call):
            state.note("stray-answer", leg.name, upcall.action, "its call was given up")
            return
        if upcall.action == BOOT:
            self.registration.own_boot_answered(leg, frame)
        elif upcall.action == "Authorize" and _ACCEPTED in frame.raw:
            self._token_accepted(asked, frame)
        raw = frame.with_id(asked.id_token)
        if upcall.action in _TRANSACTION_ACTIONS and not frame.signed:
            raw = self._transaction_answer(leg, upcall, asked, frame)
        for _ in range(station_call.times):
            state.send_station(raw)
        if state.version == "ocpp2.1":
            self._answered.append((asked.id, leg.name, frame.id_token, state.now))

    def _transaction_answer(self, leg: CsmsLeg, upcall: Upcall, asked: Frame, frame: Frame) -> bytes:
        """Keep the books of open transactions and return the answer as the station is to see it."""
        state, memory = self._state, self._state.memory
        raw = frame.with_id(asked.id_token)
        if frame.kind is not Kind.CALLRESULT:
            if upcall.ids is not None:
                memory.ids.forget(upcall.ids)
            return raw
        if upcall.ids is not None:
            payload = memory.ids.owner_answered(upcall.ids, leg.name, bytes(frame.payload))
            raw = frame.rewritten(asked.id_token, payload)
            if upcall.ids.station is not None:
                memory.transaction_started(asked, upcall.ids.station.decode(), leg.name, state.now)
        elif upcall.action == "StopTransaction":
            station_id = memory.ids.station_id(upcall.action, bytes(asked.payload))
            if station_id is not None:
                memory.transaction_stopped(station_id)
        elif not memory.transaction_event(asked, leg.name, state.now):
            return raw
        state.emit(RememberCharger())
        return raw

    def _token_accepted(self, asked: Frame, frame: Frame) -> None:
        token = accepted_token(bytes(asked.payload), bytes(frame.payload))
        if token is not None:
            self._state.emit(IdTokenAccepted(token))

    def _close_call(self, station_call: StationCall) -> bool:
        for key, open_ in self._calls.items():
            if open_ is station_call:
                del self._calls[key]
                return True
        return False

    # -- legs and time -----------------------------------------------------------------------------------------

    def expire(self) -> None:
        """Give up on what was not answered in time, and drop copies that are too old."""
        state = self._state
        for station_call in [open_ for open_ in self._calls.values() if state.now >= open_.deadline]:
            self._give_up(station_call)
        for leg in state.legs.values():
            upcall = leg.in_flight
            if upcall is not None and state.now >= upcall.deadline:
                leg.in_flight = None
                state.note("call-timeout", leg.name, upcall.action)
                if upcall.origin is Origin.BOOT:
                    self.registration.boot_expired(leg)
            if leg.waiting and min(upcall.deadline for upcall in leg.waiting) <= state.now:
                self._drop_old(leg)
            self.pump(leg)
        self.registration.expire()

    def next_timer(self) -> float | None:
        """Return when `expire` next has something to do, or None."""
        times = [station_call.deadline for station_call in self._calls.values()]
        times += [at for leg in self._state.legs.values() if (at := leg.next_timer()) is not None]
        grace = self.registration.next_timer()
        return min(times if grace is None else [*times, grace], default=None)

    def _give_up(self, station_call: StationCall) -> None:
        """End a call that its owner did not answer: an error, but never for a transaction message (R11)."""
        state, frame, owner = self._state, station_call.frame, station_call.owner
        self._close_call(station_call)
        if station_call.ids is not None:
            state.memory.ids.forget(station_call.ids)
        state.note("call-timeout", owner, frame.action)
        row = state.table.action(frame.action)
        why = f"{owner} did not answer {frame.action} in time"
        if row is not None and row.transaction_message:
            state.close_station(TRY_AGAIN_LATER, why)
            return
        for _ in range(station_call.times):
            state.send_station(call_error(frame.id_token, "InternalError", why))

    def _drop_old(self, leg: CsmsLeg) -> None:
        state = self._state
        kept: deque[Upcall] = deque()
        for upcall in leg.waiting:
            if upcall.deadline > state.now:
                kept.append(upcall)
            elif upcall.origin is Origin.COPY:
                state.note("copy-dropped", leg.name, upcall.action, "too old")
            elif upcall.origin is Origin.BOOT:
                self.registration.boot_expired(leg)
        leg.waiting = kept
