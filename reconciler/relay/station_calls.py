"""The station's open calls: each ends with exactly one answer, from its owner or owners, or with the socket (R2, R6).

opened ──owner answers──────────────> the station gets it
   │   └─others own parts of it────> waits for them ──all in, or deadline──> composed, the station gets it
   └──deadline──> CALLERROR; for a transaction message the station's socket closes (R11)
"""

from collections import deque
from typing import Final

from reconciler.relay import translation
from reconciler.relay.backlog import KEPT
from reconciler.relay.commands import AnswerLocally, ForgetCalls, IdTokenAccepted, KeepCall, RememberCharger, SendToLeg
from reconciler.relay.envelope import Frame, Kind, call_error, call_result
from reconciler.relay.leg import NEVER, CsmsLeg, StationCall
from reconciler.relay.registration import BOOT, HEARTBEAT, STATUS
from reconciler.relay.state import SessionState
from reconciler.relay.tokens import accepted_token

TRY_AGAIN_LATER: Final = 1013
POLICY_VIOLATION: Final = 1008
_TRANSACTION_ACTIONS: Final = frozenset({"StartTransaction", "StopTransaction", "TransactionEvent"})
_ACCEPTED: Final = b'"Accepted"'


class StationCalls:
    """What the station asked and has no answer to yet."""

    __slots__ = ("_answered", "_open", "_state")

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._open: dict[str, StationCall] = {}
        self._answered: deque[tuple[str, str, bytes, float]] = deque(maxlen=state.limits.answered_remembered)

    def open(self, frame: Frame, owner: str, patience_s: float) -> StationCall | None:
        """Return the open call for a CALL of the station; None where there is nothing new to ask.

        The same CALL again while it is open is folded into the open one and answered as often as it came.
        """
        state = self._state
        twin = self._open.get(frame.id)
        if twin is not None and twin.frame.raw == frame.raw:
            twin.times += 1
            state.note("duplicate-call", twin.owner, frame.action)
            return None
        if len(self._open) >= state.limits.station_calls_max:
            state.note("too-many-calls", action=frame.action)
            state.close_station(POLICY_VIOLATION, "too many open calls")
            return None
        starts = frame.action == "StartTransaction" and not frame.signed
        ids = state.memory.ids.begin() if starts else None
        opened = StationCall(frame, owner, state.now + patience_s, ids)
        self._open[frame.id if twin is None else f"{frame.id}\x00{state.new_id()}"] = opened
        return opened

    def has_open(self, action: str) -> bool:
        """Return True while a call of this action has no answer."""
        return any(open_.frame.action == action for open_ in self._open.values())

    def owner_answered(self, station_call: StationCall, leg: CsmsLeg, frame: Frame) -> None:
        """Take the owner's answer; it is sent now, or once every other owner had its say."""
        state = self._state
        if station_call not in self._open.values():
            state.note("stray-answer", leg.name, station_call.frame.action, "its call was given up")
            return
        composition = station_call.composition
        if composition is None or frame.kind is not Kind.CALLRESULT:
            self._answer(station_call, frame)
            return
        composition.base = frame
        station_call.deadline = min(station_call.deadline, composition.deadline)
        if composition.complete:
            self._answer(station_call, frame)

    def part_answered(self, station_call: StationCall, leg: CsmsLeg, frame: Frame) -> None:
        """Take the answer of a back-end that owns a part of the answer."""
        composition = station_call.composition
        if composition is None or station_call not in self._open.values():
            return
        composition.answered(leg.name, bytes(frame.payload) if frame.kind is Kind.CALLRESULT else None)
        if composition.complete and composition.base is not None:
            self._answer(station_call, composition.base)

    def keep(self, station_call: StationCall) -> bool:
        """Acknowledge a call whose owner is away and keep it for its return; False where that can't be done (R11).

        A station whose socket is to be closed hears nothing any more, and says it again.
        Heartbeats are answered by `local`, and so is the boot of a station that its owner had accepted before. The
        last status of each connector is remembered in any case.
        """
        state, frame = self._state, station_call.frame
        if not (state.table.keeps_calls and state.station_open):
            return False
        if frame.action == HEARTBEAT or (frame.action == BOOT and state.memory.accepted):
            self._close(station_call)
            state.emit(AnswerLocally(frame.raw))
            return True
        if frame.action == STATUS:
            self._close(station_call)
            state.send_station(call_result(frame.id_token, b"{}"), after_commit=True)
            return True
        return frame.action in KEPT[state.version] and self._keep_in_order(station_call)

    def _keep_in_order(self, station_call: StationCall) -> bool:
        state, frame = self._state, station_call.frame
        kept, gone = state.memory.backlog.take(frame, state.now)
        if gone:
            state.note("backlog-full", station_call.owner, frame.action, f"{len(gone)} kept messages made room")
            state.emit(ForgetCalls(tuple(gone)))
        if kept is None:
            state.note("backlog-full", station_call.owner, frame.action, "no room: left to the station")
            return False
        self._close(station_call)
        if frame.action in _TRANSACTION_ACTIONS and not frame.signed:
            self._account(station_call)
        state.note("call-kept", station_call.owner, frame.action)
        state.emit(KeepCall(kept.seq, frame.raw, call_result(frame.id_token, b"{}")))
        return True

    def result_error(self, frame: Frame) -> None:
        """Bring a CALLRESULTERROR of the station (2.1) to the back-end whose answer it is about (R4)."""
        state = self._state
        for station_id, backend, leg_token, at in self._answered:
            leg, fresh = state.legs.get(backend), state.now - at <= state.limits.answered_grace_s
            if station_id == frame.id and fresh and leg is not None and leg.connected:
                state.emit(SendToLeg(backend, frame.with_id(leg_token)))
                return
        state.note("stray-answer", action="CALLRESULTERROR")

    def expire(self) -> None:
        """End every call whose time is up."""
        state = self._state
        for station_call in [open_ for open_ in self._open.values() if state.now >= open_.deadline]:
            composition = station_call.composition
            if composition is not None and composition.base is not None:
                self._answer(station_call, composition.base)
            else:
                self._give_up(station_call)

    def next_timer(self) -> float:
        """Return when `expire` next has something to do, or NEVER."""
        due = NEVER
        for open_ in self._open.values():
            if open_.deadline < due:
                due = open_.deadline
        return due

    def _answer(self, station_call: StationCall, frame: Frame) -> None:
        state, asked = self._state, station_call.frame
        self._close(station_call)
        if asked.action == "Authorize" and _ACCEPTED in frame.raw:
            token = accepted_token(bytes(asked.payload), bytes(frame.payload))
            if token is not None:
                state.emit(IdTokenAccepted(token))
        raw, minted = self._for_station(station_call, frame)
        for _ in range(station_call.times):
            state.send_station(raw, after_commit=minted)
        if state.version == "ocpp2.1":
            self._answered.append((asked.id, station_call.owner, frame.id_token, state.now))

    def _for_station(self, station_call: StationCall, frame: Frame) -> tuple[bytes, bool]:
        """Return the answer as the station is to see it, and True where it brings an id that must be kept first."""
        asked, owner = station_call.frame, station_call.owner
        if frame.kind is not Kind.CALLRESULT or frame.signed:
            if station_call.ids is not None:
                self._state.memory.ids.forget(station_call.ids)
            return frame.with_id(asked.id_token), False
        payload = bytes(frame.payload)
        if asked.action in _TRANSACTION_ACTIONS:
            payload, minted = self._transaction_answer(station_call, payload)
        else:
            payload, minted = translation.call_answer(self._state.memory, owner, asked.action, payload)
        return frame.rewritten(asked.id_token, payload), minted

    def _transaction_answer(self, station_call: StationCall, payload: bytes) -> tuple[bytes, bool]:
        """Keep the books of open transactions."""
        state, memory, asked, ids = self._state, self._state.memory, station_call.frame, station_call.ids
        changed, minted = True, False
        if ids is not None:
            payload = memory.ids.owner_answered(ids, station_call.owner, payload)
            minted = ids.station is not None
            if ids.station is not None:
                memory.transaction_started(asked, ids.station.decode(), station_call.owner, state.now)
        else:
            changed = self._account(station_call)
        if changed:
            state.emit(RememberCharger())
        if station_call.composition is not None:
            payload = station_call.composition.compose(payload)
        return payload, minted

    def _account(self, station_call: StationCall) -> bool:
        """Note what an answered StopTransaction or TransactionEvent says; True where a transaction began or ended."""
        memory, asked = self._state.memory, station_call.frame
        if asked.action == "TransactionEvent":
            return memory.transaction_event(asked, station_call.owner, self._state.now)
        station_id = memory.ids.station_id(asked.action, bytes(asked.payload))
        if station_id is not None:
            memory.transaction_stopped(station_id)
        return station_id is not None

    def _give_up(self, station_call: StationCall) -> None:
        """End a call that its owner did not answer: an error, but never for a transaction message (R11)."""
        state, frame, owner = self._state, station_call.frame, station_call.owner
        if self._away(owner) and self.keep(station_call):
            return
        self._close(station_call)
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

    def _away(self, owner: str) -> bool:
        leg = self._state.legs.get(owner)
        return leg is None or leg.away_since is not None

    def _close(self, station_call: StationCall) -> None:
        key = next(key for key, open_ in self._open.items() if open_ is station_call)
        del self._open[key]
