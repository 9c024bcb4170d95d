"""Upward: the station's calls go to their owners, copies to observers, and answers come back (R3, R4, R6, R7).

station CALL ──> StationCalls ──┬─> Upcall(STATION) on the owner's leg ──answer──> StationCalls ──> the station
                                ├─> Upcall(PART) where another owns a part of the answer ──┘
                                └─> Upcall(COPY) on each observer's leg ──answer──> read for ids, goes no further
"""

from collections import deque
from collections.abc import Collection
from typing import Final

from reconciler.model.desired import LOCAL
from reconciler.model.live import LegPhase
from reconciler.relay import translation
from reconciler.relay.availability import NOTIFY_EVENT
from reconciler.relay.commands import ForgetCalls, RememberCharger, SendToLeg
from reconciler.relay.composition import Composition
from reconciler.relay.envelope import Frame, Kind, call, call_result
from reconciler.relay.leg import NEVER, CsmsLeg, Origin, StationCall, Upcall
from reconciler.relay.leg_values import REPORT, shown_report
from reconciler.relay.registration import BOOT, HEARTBEAT, STATUS, Registration
from reconciler.relay.state import SessionState
from reconciler.relay.station_calls import StationCalls
from reconciler.relay.terminated import concerns_leg
from reconciler.relay.transaction_ids import TransactionIds

MESSAGE_ID_MAX: Final = 36

SECURITY_EVENT: Final = "SecurityEventNotification"
NOTED_BYTES_MAX: Final = 1024
"""Of a security event's payload: it has a type of 50 characters, a time, and at most 255 of explanation."""


class Upward:
    """The half of a session that carries CALLs from the station to the back-ends."""

    __slots__ = ("_state", "calls", "registration")

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self.calls = StationCalls(state)
        self.registration = Registration(state, self.pump)

    def station_boots(self) -> bool:
        """Return True while the station boots: it may still say so, or its owner has not answered it.

        No command reaches it then (some stations drop the connection over one), unless its owner keeps it Pending,
        which is for setting it up.
        """
        return not self.registration.pending and (self.registration.may_boot or self.calls.has_open(BOOT))

    # -- from the station --------------------------------------------------------------------------------------

    def station_call(self, frame: Frame) -> None:
        """Take a CALL of the station: to its owner, to whoever owns a part of the answer, and to observers."""
        state = self._state
        owner = state.table.owner(frame)
        leg = state.legs[owner]
        about_its_leg = concerns_leg(state.table.action(frame.action), frame, state.deletable)
        if about_its_leg and owner != LOCAL and not state.table.shares_credentials(owner):
            self._refuse_signing(frame)
            return
        opened = self.calls.open(frame, owner, self._patience_s(leg))
        if opened is None:
            return
        self._remember(frame, owner)
        self._ask_owner(leg, opened)
        if self._is_away(leg):
            self._keep_waiting(leg)
        self.registration.station_spoke()
        parts = self._ask_for_parts(opened)
        self.pump(leg)
        for observer in () if about_its_leg and owner == LOCAL else state.table.observers(frame, owner):
            if observer not in parts:
                self._copy(state.legs[observer], frame, opened.ids)

    def _remember(self, frame: Frame, owner: str) -> None:
        """Keep what a back-end that comes later must hear, and what a station reports of what was left in it."""
        state, memory = self._state, self._state.memory
        if frame.action == BOOT:
            self.registration.station_boots(frame, owner)
        elif frame.action == STATUS:
            memory.status_reported(frame)
        elif frame.action == SECURITY_EVENT:
            payload = bytes(frame.payload)[:NOTED_BYTES_MAX].decode(errors="replace")
            state.note("security-event", "station", frame.action, payload)
            return
        elif frame.action == NOTIFY_EVENT:
            if not memory.availability.reported(frame):
                return
        elif not memory.residue.station_reported(frame):
            return
        state.emit(RememberCharger())

    def _ask_owner(self, leg: CsmsLeg, opened: StationCall) -> None:
        frame = opened.frame
        self._queue(
            leg, Upcall(Origin.STATION, frame.action, opened.deadline, frame=frame, call=opened, ids=opened.ids)
        )

    def _queue(self, leg: CsmsLeg, upcall: Upcall) -> None:
        """Let a call of the station wait for its owner; nothing else goes before a BootNotification."""
        if upcall.action == BOOT:
            leg.drop_waiting(Origin.BOOT)
            leg.waiting.appendleft(upcall)
        else:
            leg.waiting.append(upcall)

    def _keep_waiting(self, leg: CsmsLeg) -> None:
        """Keep what waits for an owner that is away, in the order in which the station said it (R11)."""
        for upcall in [up for up in leg.waiting if up.origin is Origin.STATION]:
            if upcall.call is not None and self.calls.keep(upcall.call):
                leg.waiting.remove(upcall)

    def _is_away(self, leg: CsmsLeg) -> bool:
        """Return True where a back-end has been away for so long that waiting for it is idle (`downAfter`)."""
        since = leg.away_since
        return since is not None and self._state.now >= since + leg.spec.backend.down_after_s

    def _ask_for_parts(self, opened: StationCall) -> Collection[str]:
        """Ask the other owners of the answer, as far as they can be asked now (R6)."""
        state, frame = self._state, opened.frame
        fields = {
            name: theirs
            for name, theirs in state.table.shared_fields(frame.action).items()
            if state.legs[name].phase is LegPhase.REGISTERED and not frame.signed
        }
        if not fields:
            return ()
        opened.composition = Composition(fields, min(opened.deadline, state.now + state.limits.compose_within_s))
        for name in fields:
            leg = state.legs[name]
            part = Upcall(Origin.PART, frame.action, opened.deadline, frame=frame, call=opened, ids=opened.ids)
            leg.waiting.append(part)
            self.pump(leg)
        return fields

    def _refuse_signing(self, frame: Frame) -> None:
        """Answer what the station asks of its own leg: none but `local` may sign a certificate for that (R13)."""
        state = self._state
        state.note("refused-call", "station", frame.action, "concerns the station's own leg")
        state.send_station(call_result(frame.id_token, b'{"status":"Rejected"}'))

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

    def own_call(self, leg: CsmsLeg, action: str, payload: bytes) -> None:
        """Call a back-end about its own leg, as the charger (R13); its answer is of no use."""
        deadline = self._state.now + leg.spec.backend.call_timeout_s
        leg.waiting.append(Upcall(Origin.OWN, action, deadline, payload=payload))
        self.pump(leg)

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
            leg.transparent = leg.name == state.table.owners["provisioning"]
            leg.enter(LegPhase.REGISTERING, state.now)
        state.emit(SendToLeg(leg.name, self._raw(leg, upcall, token)))

    def _raw(self, leg: CsmsLeg, upcall: Upcall, token: bytes) -> bytes:
        frame = upcall.frame
        if frame is None:
            return call(token, upcall.action, upcall.payload)
        owner = upcall.origin in (Origin.STATION, Origin.BACKLOG)
        payload = translation.call(self._state.memory, leg.name, frame, owner=owner)
        if frame.action == REPORT and leg.name != LOCAL and not frame.signed:
            payload = self._shown(leg, frame, payload)
        return frame.with_id(token) if payload is None else frame.rewritten(token, payload)

    def _shown(self, leg: CsmsLeg, frame: Frame, payload: bytes | None) -> bytes | None:
        """Return a report with what this back-end has on its own leg (R13)."""
        if self._state.table.shares_credentials(leg.name):
            return payload
        return shown_report(self._state.values_of(leg), payload or bytes(frame.payload)) or payload

    def _id_token(self, upcall: Upcall) -> bytes:
        frame = upcall.frame
        fits = frame is not None and len(frame.id) <= MESSAGE_ID_MAX and not upcall.moved
        if frame is not None and fits and frame.id_token == b'"%b"' % frame.id.encode():
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
        leg.answers += 1
        if upcall.origin is Origin.STATION and upcall.call is not None:
            if upcall.action == BOOT:
                self.registration.own_boot_answered(leg, frame)
            self.calls.owner_answered(upcall.call, leg, frame)
        elif upcall.origin is Origin.BOOT:
            self.registration.replayed_boot_answered(leg, frame)
        elif upcall.origin is Origin.BACKLOG:
            self._kept_call_answered(leg, upcall, frame)
        else:
            self._read_copy_answer(leg, upcall, frame)
        self.pump(leg)

    def _kept_call_answered(self, leg: CsmsLeg, upcall: Upcall, frame: Frame) -> None:
        """Free a kept call's place; one that is refused is sent again as a station would, then given up."""
        state = self._state
        upcall.tries += 1
        tries_left = upcall.tries < state.limits.backlog_tries_max or self._owner_of(upcall) is not leg
        if frame.kind is not Kind.CALLRESULT and tries_left:
            self._once_more(leg, upcall)
            return
        if frame.kind is not Kind.CALLRESULT:
            state.note("backlog-refused", leg.name, upcall.action)
        state.memory.backlog.forget([upcall.seq])
        state.emit(ForgetCalls((upcall.seq,)))

    def _once_more(self, leg: CsmsLeg, upcall: Upcall) -> None:
        """Let a kept call go again, in its order, to whoever owns it now: nothing but an answer ends it."""
        owner = self._owner_of(upcall)
        if owner is leg:
            upcall.deadline = NEVER
            leg.wait_again(upcall)
        elif owner is not None:
            self.registration.drain(owner)
            self.pump(owner)

    def _owner_of(self, upcall: Upcall) -> CsmsLeg | None:
        """Return the leg of whoever owns this call of the station now; None for a call of the relay's own."""
        state = self._state
        return None if upcall.frame is None else state.legs.get(state.table.owner(upcall.frame))

    def _read_copy_answer(self, leg: CsmsLeg, upcall: Upcall, frame: Frame) -> None:
        if upcall.frame is not None and frame.kind is Kind.CALLRESULT:
            kept = self._state.memory.backlog.seen(upcall.frame, leg.name)
            if kept is not None:
                self.registration.drain(leg)  # should it have become the owner meanwhile, it has this one
        if upcall.ids is not None and frame.kind is Kind.CALLRESULT:
            self._state.memory.ids.observer_answered(upcall.ids, leg.name, bytes(frame.payload))
            self._state.emit(RememberCharger())
        if upcall.origin is Origin.PART and upcall.call is not None:
            self.calls.part_answered(upcall.call, leg, frame)

    def owners_changed(self) -> None:
        """Bring calls that wait unsent for a loser to whoever owns them now; what was sent stays (R10)."""
        legs = list(self._state.legs.values())
        for leg in legs:
            self._move_to_owners(leg)
        for leg in legs:
            self.registration.drain(leg)
            self.pump(leg)

    def leg_lost(self, leg: CsmsLeg, reason: str) -> None:
        """A connection is gone: what a loser can't answer any more goes to the owner of now (R10, R11)."""
        kept = leg.in_flight if leg.in_flight is not None and leg.in_flight.origin is Origin.BACKLOG else None
        leg.closed(self._state.now, reason)
        owners = self._move_to_owners(leg)
        if kept is not None and self._owner_of(kept) is not leg:
            self._once_more(leg, kept)
        for owner in owners:
            self.pump(owner)

    def _move_to_owners(self, leg: CsmsLeg) -> list[CsmsLeg]:
        """Move the station's calls that wait on `leg` to their owners, and return those."""
        owners = []
        for upcall in [up for up in leg.waiting if up.origin is Origin.STATION]:
            owner = self._owner_of(upcall)
            if owner is not None and owner is not leg and upcall.call is not None:
                leg.waiting.remove(upcall)
                upcall.call.owner, upcall.call.composition, upcall.moved = owner.name, None, True
                self._queue(owner, upcall)
                owners.append(owner)
        return owners

    # -- legs and time -----------------------------------------------------------------------------------------

    def expire(self) -> None:
        """Give up on what was not answered in time, and drop copies that are too old."""
        state = self._state
        self.calls.expire()
        for leg in state.legs.values():
            upcall = leg.in_flight
            if upcall is not None and state.now >= upcall.deadline:
                leg.in_flight = None
                if upcall.origin is not Origin.STATION:  # that one is told of by `StationCalls`
                    state.note("call-timeout", leg.name, upcall.action)
                if upcall.origin is Origin.BOOT:
                    self.registration.boot_expired(leg)
                elif upcall.origin is Origin.BACKLOG:
                    self._once_more(leg, upcall)
                elif upcall.action == BOOT:
                    self.registration.unanswered(leg)
            if leg.waiting and min(upcall.deadline for upcall in leg.waiting) <= state.now:
                self._drop_old(leg)
            self.pump(leg)
        self.registration.expire()

    def next_timer(self) -> float:
        """Return when `expire` next has something to do, or NEVER."""
        due = min(self.calls.next_timer(), self.registration.next_timer())
        for leg in self._state.legs.values():
            due = min(due, leg.next_timer())
        return due

    def _drop_old(self, leg: CsmsLeg) -> None:
        state = self._state
        kept: deque[Upcall] = deque()
        for upcall in leg.waiting:
            if upcall.deadline > state.now:
                kept.append(upcall)
            elif upcall.origin in (Origin.COPY, Origin.PART):
                state.note("copy-dropped", leg.name, upcall.action, "too old")
            elif upcall.origin is Origin.BOOT:
                self.registration.boot_expired(leg)
        leg.waiting = kept
