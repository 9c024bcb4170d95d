"""One session: a station connection and its CSMS legs. `handle(event, now) -> commands`, `next_timer()`; sans-I/O.

    events.py ──> Session ──┬─ Upward ─┬─ StationCalls      what the station asked, until it is answered
                            │          └─ Registration      each leg's own boot and beat
                            ├─ Downward                     back-ends' CALLs, one at a time
                            ├─ Flip                         one generation of roles after another
                            └─ SessionState ─ SessionMemory roles, legs; what outlives the session ──> commands.py

Where the rules of the design's relay page are kept (each docstring names its own):

    R1 envelope, splice    R2 station_calls   R3 leg, downward    R4 upward, downward    R5 routing    R6 composition
    R7 upward              R8 routing, refusals      R9 registration, translation, *_ids, list_version, availability
    R10 flip, open_transaction                R11 station_calls, backlog, this file  R12 this file
    R13 terminated, leg_*                     R14 residue, handover                  R15 limits
    R16 envelope, this file

After each call to `handle` the shell must carry out the commands in order, and ask `next_timer` anew.
"""

from collections.abc import Callable
from typing import Final

from reconciler.model.desired import DesiredCharger
from reconciler.relay import events
from reconciler.relay.commands import CloseLeg, Command, RememberCharger, SendToLeg
from reconciler.relay.downward import Downward
from reconciler.relay.envelope import Frame, Kind, Malformed, UnknownType, call_error, read_frame
from reconciler.relay.flip import Flip
from reconciler.relay.handover import disown
from reconciler.relay.leg import NEVER
from reconciler.relay.limits import SessionLimits
from reconciler.relay.memory import SessionMemory
from reconciler.relay.open_transaction import begins_with
from reconciler.relay.routing import RouteTable
from reconciler.relay.state import SessionState
from reconciler.relay.station_calls import TRY_AGAIN_LATER
from reconciler.relay.upward import Upward

_MALFORMED_CODE: Final = {"ocpp1.6": "FormationViolation"}
_ANSWERS: Final = (Kind.CALLRESULT, Kind.CALLERROR)


class Session:
    """The core of one session.

    Args:
        version: the subprotocol negotiated with the station; every leg speaks it.
        generation, desired: the roles that are wanted; it begins with them, see `begins`.
        memory: what earlier sessions of this charger left; this session goes on writing it.
        new_id: gives a message id that was never given before (at most 36 characters).
    """

    __slots__ = ("_downward", "_flip", "_state", "_upward", "begins", "generation")

    def __init__(
        self,
        version: str,
        generation: int,
        desired: DesiredCharger,
        memory: SessionMemory,
        new_id: Callable[[], str],
        limits: SessionLimits | None = None,
    ) -> None:
        memory.use_version(version)
        self.begins = begins_with(desired, memory, version)
        """The roles that it begins with; not those that are wanted where an open transaction holds them back."""
        table = RouteTable(self.begins, version)
        self._state = SessionState(version, memory, limits or SessionLimits(), new_id, table)
        self._upward = Upward(self._state)
        self._downward = Downward(self._state, self._upward.pump, self._upward.station_boots)
        self._flip = Flip(self._state, self._upward, self._downward, self.begins)
        self.generation = generation if self.begins is desired else generation - 1
        """What it begins as: never the number of what it does not run."""

    @property
    def state(self) -> SessionState:
        """What the session runs now; for reading only."""
        return self._state

    def open(self, now: float) -> list[Command]:
        """Begin: the station is connected. Call once, before `handle`."""
        self._state.now = now
        self._upward.registration.station_opened()
        self._flip.start(self.generation)
        others = self._state.memory.backlog.in_other_versions()
        if others:
            said_in = ", ".join(sorted(set(others.values())))
            self._state.note("backlog-waits", detail=f"{len(others)} calls wait for a session in {said_in}")
            self._state.emit(RememberCharger())
        return self._take()

    def handle(self, event: events.Event, now: float) -> list[Command]:
        """Take one event at `now` (monotonic seconds) and return what is to be done, in order. Never raises."""
        self._state.now = now
        match event:
            case events.StationFrameReceived(raw):
                self._station_frame(raw)
            case events.LegFrameReceived(backend, raw):
                self._leg_frame(backend, raw)
            case events.TimerFired():
                self._expire()
            case events.DesiredChanged(generation, desired):
                self._flip.want(generation, desired)
            case events.OrderAnswered() | events.LegChanged() | events.OwnCallWanted():
                self._about_a_leg(event)
            case events.ResidueDisowned(owner, kind, details):
                self._take_away(owner, kind, details)
            case events.StationClosed(reason):
                self._station_closed(reason)
            case _:
                self._leg_came_or_went(event)
        self._downward.pump()  # what waited for the station's boot
        self._flip.advance()
        return self._take()

    def _take_away(self, owner: str, kind: str, details: tuple[str, ...]) -> None:
        state = self._state
        found = disown(state.memory.residue, owner, kind, details, state.table.owners, state.version)
        for residue, (action, payload) in list(found):
            self._downward.own_call(action, payload, residue)

    def next_timer(self) -> float | None:
        """Return when TimerFired is due (monotonic seconds), or None. An early TimerFired does no harm."""
        if not self._state.station_open:
            return None
        due = min(
            self._upward.next_timer(), self._downward.next_timer(), self._flip.next_timer(), self._owner_patience()
        )
        return None if due == NEVER else due

    def _take(self) -> list[Command]:
        commands, self._state.out = self._state.out, []
        return commands

    # -- frames ------------------------------------------------------------------------------------------------

    def _station_frame(self, raw: bytes) -> None:
        state = self._state
        if not state.station_open:
            return
        frame = read_frame(raw)
        if not isinstance(frame, Frame):
            self._unreadable(frame, "station", state.send_station)
        elif frame.kind is Kind.CALL:
            self._upward.station_call(frame)
        elif frame.kind in _ANSWERS:
            self._downward.station_answered(frame)
        elif state.version != "ocpp2.1":
            state.note("unknown-type", "station", frame.kind.name)
        elif frame.kind is Kind.SEND:
            self._upward.station_send(frame)
        else:
            self._upward.calls.result_error(frame)

    def _leg_frame(self, backend: str, raw: bytes) -> None:
        state = self._state
        leg = state.legs.get(backend)
        if leg is None or not leg.connected:
            return
        frame = read_frame(raw)
        if not isinstance(frame, Frame):
            self._unreadable(frame, backend, lambda answer: state.emit(SendToLeg(backend, answer)))
        elif frame.kind is Kind.CALL:
            self._downward.leg_call(leg, frame)
        elif frame.kind in _ANSWERS:
            self._upward.leg_answered(leg, frame)
        elif state.version == "ocpp2.1" and frame.kind is Kind.CALLRESULTERROR:
            self._downward.leg_result_error(leg, frame)
        else:
            state.note("unknown-type", backend, frame.kind.name)

    def _unreadable(self, frame: Malformed | UnknownType, sender: str, answer: Callable[[bytes], None]) -> None:
        """Answer what can't be read as its version has it, or drop it; nothing of it is forwarded (R16)."""
        state = self._state
        if isinstance(frame, UnknownType):
            state.note("unknown-type", sender)
            if state.version == "ocpp2.0.1":
                answer(call_error(frame.id_token, "MessageTypeNotSupported", ""))
            return
        state.note("malformed-frame", sender, detail=frame.reason)
        if frame.kind not in (None, Kind.CALL):
            return
        code = _MALFORMED_CODE.get(state.version, "FormatViolation")
        if frame.id_token is not None:
            answer(call_error(frame.id_token, code, frame.reason))
        elif state.version != "ocpp1.6":
            answer(call_error(b'"-1"', "RpcFrameworkError", frame.reason))

    def _about_a_leg(self, event: events.OrderAnswered | events.LegChanged | events.OwnCallWanted) -> None:
        """Take what the shell has to say about a back-end's own leg (R13)."""
        if isinstance(event, events.OrderAnswered):
            self._downward.orders.answered(event.order, event.answer)
            return
        leg = self._state.legs.get(event.backend)
        if leg is None:
            return
        if isinstance(event, events.LegChanged):
            leg.values, leg.restart_due = event.values, event.restart_due
        else:
            self._upward.own_call(leg, event.action, event.payload)

    def _leg_came_or_went(self, event: events.LegOpened | events.LegClosed | events.LegDialFailed) -> None:
        leg = self._state.legs.get(event.backend)
        if leg is None:
            return
        if isinstance(event, events.LegOpened):
            self._upward.registration.leg_opened(leg)
            self._upward.pump(leg)
        else:
            self._upward.leg_lost(leg, event.reason)

    # -- time and endings --------------------------------------------------------------------------------------

    def _expire(self) -> None:
        self._upward.expire()
        self._downward.expire()
        self._flip.expire()
        if self._state.now >= self._owner_patience():
            self._owner_is_down()

    def _owner_patience(self) -> float:
        """Return until when the station is kept although the owner of transactions is away, or NEVER."""
        leg = self._state.legs.get(self._state.table.owners["transactions"])
        if leg is None or leg.away_since is None or self._state.table.keeps_calls:
            return NEVER
        return leg.away_since + leg.spec.backend.down_after_s

    def _owner_is_down(self) -> None:
        """Close the station's socket, so that it queues its transaction messages itself (R11, `close`)."""
        leg = self._state.legs[self._state.table.owners["transactions"]]
        self._state.note("owner-away", leg.name, detail=leg.detail)
        self._state.close_station(TRY_AGAIN_LATER, f"{leg.name} is away: {leg.detail or 'not connected yet'}")

    def _station_closed(self, reason: str) -> None:
        """The station is gone: all its legs close (R12)."""
        self._state.station_open = False
        self._flip.abandon()
        for name in list(self._state.legs):
            del self._state.legs[name]
            self._state.emit(CloseLeg(name, f"the charging station is gone: {reason}"))
        self._upward.registration.let_go()
