"""The relay core as a state machine: invariants that hold in any order of events (R2-R5, R7, R10, R15, R16)."""

import itertools
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconciler.model.desired import DesiredCharger
from reconciler.model.features import FEATURE_SET, OCPP_VERSIONS
from reconciler.relay import commands, events
from reconciler.relay.catalogue import feature_of
from reconciler.relay.envelope import Frame, read_frame
from reconciler.relay.limits import SessionLimits
from reconciler.relay.memory import SessionMemory
from reconciler.relay.session import Session
from tests.support.roles import PASSIVE, PRIMARY, READER, charger, hybrid

NAMES = ("a", "b", "c")
ROLES = [
    charger({"a": PRIMARY, "b": PASSIVE}),
    charger({"a": PASSIVE, "b": PRIMARY}),
    charger({"b": PRIMARY, "c": READER}),
    charger({"a": PRIMARY, "c": hybrid("availability", "smart-charging", may_read=True)}),
]
ROLE = st.integers(0, len(ROLES) - 1)
STATION_ACTIONS = ["Heartbeat", "StatusNotification", "MeterValues", "FirmwareStatusNotification"]
STATUSES = ["Accepted", "Accepted", "Accepted", "Pending", "Rejected"]
COMMANDS = ["Reset", "ClearCache", "SetChargingProfile", "GetLocalListVersion", "TriggerMessage"]
IDS = st.sampled_from(['"1"', '"2"', "7", "null", f'"{"x" * 40}"'])
LIMITS = SessionLimits(station_calls_max=4, commands_waiting_max=3, upward_waiting_max=4)
CALL_TIMEOUT_S = 30.0
PATIENCE_S = 25.0
UNREADABLE = [b'[2,"1"', b'[2,"1","SetVariables",5]', b'[3,"r1",5]', b"[9,1]", b'[4,"r1",5]', b"[" * 2000]
NO_FRAME = st.binary(max_size=40).filter(lambda raw: not isinstance(read_frame(raw), Frame))
GARBAGE = st.sampled_from(UNREADABLE) | NO_FRAME


class RelayMachine(RuleBasedStateMachine):
    """Everybody around one session, with just enough memory to know what the relay may do next."""

    @initialize(version=st.sampled_from(OCPP_VERSIONS), roles=ROLE)
    def station_connects(self, version: str, roles: int) -> None:
        self.version = version
        self.now = 0.0
        self.memory = SessionMemory()
        self.numbers = itertools.count(1)
        self.ids = (f"r{number}" for number in itertools.count(1))
        self.begin(roles)

    def begin(self, roles: int) -> None:
        self.wishes: dict[int, DesiredCharger] = {1: ROLES[roles]}
        self.opened: set[str] = set()
        self.connected: dict[str, int] = {}
        self.accepted: set[str] = set()
        self.station_open = True
        self.calls: dict[int, dict[str, Any]] = {}
        self.asked: dict[int, dict[str, Any]] = {}
        self.up: dict[str, dict[str, Any]] = {}
        self.down: dict[str, Any] | None = None
        self.session = Session(self.version, 1, ROLES[roles], self.memory, lambda: next(self.ids), LIMITS)
        self.lately: tuple[DesiredCharger, ...] = (ROLES[roles],)
        self.take(self.session.open(self.now))

    @property
    def running(self) -> DesiredCharger:
        """The roles in force; a step counts from its trial on, and is taken back with it."""
        return self.wishes[self.session.state.generation]

    def tell(self, event: events.Event) -> None:
        before = self.running
        given = self.session.handle(event, self.now)
        self.lately = (before, self.running)
        for call in self.calls.values():
            if call["open"]:  # one that was never sent goes with its feature
                call["owners"].add(self.running.owners[call["feature"]])
        self.take(given)

    # -- what the relay does is checked at once ----------------------------------------------------------------

    def take(self, given: list[commands.Command]) -> None:
        for command in given:
            match command:
                case commands.SendToStation(frame):
                    assert self.station_open, "sent to a closed station"
                    self.to_station(json.loads(frame))
                case commands.SendToLeg(backend, frame):
                    assert backend in self.connected, "sent on a closed leg"
                    self.to_leg(backend, json.loads(frame))
                case commands.OpenLeg(leg):
                    assert leg.backend.name not in self.opened
                    self.opened.add(leg.backend.name)
                case commands.CloseLeg(backend, _):
                    self.opened.remove(backend)
                    self.lose(backend)
                case commands.CloseStation():
                    self.station_open = False
                case commands.GenerationRuns(generation, before, owners):
                    assert set(owners) == FEATURE_SET, "R5"
                    gaining = {owner for feature, owner in owners.items() if before[feature] != owner}
                    assert gaining <= self.accepted, "R10: make before break"
                    assert generation in self.wishes

    def to_station(self, frame: list[Any]) -> None:
        if frame[0] == 2:
            assert self.down is None or self.now >= self.down["at"] + CALL_TIMEOUT_S, "R3: two CALLs at the station"
            asked = self.asked[frame[3]["n"]]
            owners = {roles.owners[feature_of(self.version, frame[2])] for roles in self.lately}
            assert asked["backend"] in owners or frame[2] == "GetLocalListVersion", "R8"
            self.down = {"id": frame[1], "at": self.now, "n": frame[3]["n"]}
        elif frame[0] == 3 and "n" in frame[2]:
            call = self.calls[frame[2]["n"]]
            assert frame[1] == call["id"], "R4"
            assert frame[2]["by"] in call["owners"], "R2: not the owner's answer"
            assert call["open"], "R2: answered twice"
            call["open"] = False
        elif frame[0] == 4 and frame[2] == "InternalError":
            late = [call for call in self.calls.values() if call["open"] and call["id"] == frame[1]]
            assert any(self.now >= call["at"] + PATIENCE_S for call in late), "R2: given up early"
            next(call for call in late if self.now >= call["at"] + PATIENCE_S)["open"] = False

    def to_leg(self, backend: str, frame: list[Any]) -> None:
        if frame[0] == 2:
            busy = self.up.get(backend)
            assert busy is None or self.now >= busy["until"], "R3: two CALLs at a back-end"
            number = frame[3].get("n")
            until = self.now + CALL_TIMEOUT_S
            boots = frame[2] == "BootNotification"  # the station's own, or one that the relay repeats
            call = self.calls.get(number)
            if call is not None and backend in call["owners"] and (call["open"] or not boots):
                until = min(until, call["at"] + PATIENCE_S)
            if self.memory.boot is None and backend == self.running.owners["provisioning"]:
                self.accepted.add(backend)  # resumed: nobody ever saw the station boot
            if number is not None and not boots:
                assert call is not None or frame[2] == "StatusNotification", "R12: a call of an earlier connection"
                assert backend in self.accepted or (call is not None and backend in call["owners"]), "R7"
                assert isinstance(frame[1], str)
                assert len(frame[1]) <= 36
            self.up[backend] = {"id": frame[1], "action": frame[2], "n": number, "until": until}
        elif frame[0] == 3 and "n" in frame[2]:
            asked = self.asked[frame[2]["n"]]
            assert (backend, frame[1]) == (asked["backend"], asked["id"]), "R4"
            assert self.connected[backend] == asked["connection"], "R4: another connection than the one that asked"
            assert asked["open"], "R4: answered twice"
            asked["open"] = False

    def call(self, token: str, feature: str) -> dict[str, Any]:
        owners = {self.running.owners[feature]}
        return {"id": json.loads(token), "owners": owners, "feature": feature, "at": self.now, "open": True}

    def lose(self, backend: str) -> None:
        self.connected.pop(backend, None)
        self.accepted.discard(backend)
        self.up.pop(backend, None)

    # -- what happens ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.station_open)
    @rule(action=st.sampled_from(STATION_ACTIONS), token=IDS)
    def station_calls(self, action: str, token: str) -> None:
        number = next(self.numbers)
        self.calls[number] = self.call(token, feature_of(self.version, action))
        self.tell(events.StationFrameReceived(f'[2,{token},"{action}",{{"n":{number}}}]'.encode()))

    @precondition(lambda self: self.station_open)
    @rule(token=IDS)
    def station_boots(self, token: str) -> None:
        number = next(self.numbers)
        self.calls[number] = self.call(token, "provisioning")
        self.tell(events.StationFrameReceived(f'[2,{token},"BootNotification",{{"n":{number}}}]'.encode()))

    @precondition(lambda self: self.station_open and not self.accepted)
    @rule()
    def everybody_registers(self) -> None:
        for backend in sorted(self.opened - self.connected.keys()):
            self.csms_connects(backend)
        self.station_boots('"boot"')
        for backend in sorted(self.up):
            self.answer(backend, "Accepted")

    @precondition(lambda self: self.station_open and self.down is not None)
    @rule(error=st.booleans())
    def station_answers(self, error: bool) -> None:
        down, self.down = self.down, None
        assert down is not None
        payload = '"InternalError","",{}' if error else f'{{"n":{down["n"]}}}'
        self.tell(events.StationFrameReceived(f'[{4 if error else 3},"{down["id"]}",{payload}]'.encode()))

    @rule(raw=GARBAGE)
    def station_sends_garbage(self, raw: bytes) -> None:
        self.tell(events.StationFrameReceived(raw))

    @rule(backend=st.sampled_from(NAMES))
    def csms_connects(self, backend: str) -> None:
        if backend in self.opened and backend not in self.connected:
            self.connected[backend] = next(self.numbers)
            self.tell(events.LegOpened(backend))

    @rule(backend=st.sampled_from(NAMES))
    def csms_drops(self, backend: str) -> None:
        if backend in self.opened:
            self.lose(backend)
            self.tell(events.LegClosed(backend, "lost"))

    @precondition(lambda self: self.up)
    @rule(which=st.integers(0, 2), status=st.sampled_from(STATUSES))
    def csms_answers(self, which: int, status: str) -> None:
        self.answer(sorted(self.up)[which % len(self.up)], status)

    def answer(self, backend: str, status: str) -> None:
        busy = self.up.pop(backend, None)
        if busy is None or self.now >= busy["until"]:
            return
        answer: dict[str, Any] = {"by": backend} if busy["n"] is None else {"by": backend, "n": busy["n"]}
        if busy["action"] == "BootNotification":
            answer |= {"status": status, "interval": 100}
            (self.accepted.add if status == "Accepted" else self.accepted.discard)(backend)
        self.tell(events.LegFrameReceived(backend, json.dumps([3, busy["id"], answer]).encode()))

    @rule(backend=st.sampled_from(NAMES), action=st.sampled_from(COMMANDS), token=IDS)
    def csms_calls(self, backend: str, action: str, token: str) -> None:
        if backend in self.connected:
            number = next(self.numbers)
            asked = {"backend": backend, "id": json.loads(token), "connection": self.connected[backend], "open": True}
            self.asked[number] = asked
            self.tell(events.LegFrameReceived(backend, f'[2,{token},"{action}",{{"n":{number}}}]'.encode()))

    @rule(backend=st.sampled_from(NAMES), raw=GARBAGE)
    def csms_sends_garbage(self, backend: str, raw: bytes) -> None:
        if backend in self.connected:
            self.tell(events.LegFrameReceived(backend, raw))

    @rule(roles=ROLE)
    def roles_change(self, roles: int) -> None:
        generation = next(self.numbers) + 1
        self.wishes[generation] = ROLES[roles]
        self.tell(events.DesiredChanged(generation, ROLES[roles]))

    @rule(seconds=st.sampled_from([0.5, 3.0, 11.0, 26.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(1000):
            due = self.session.next_timer()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            self.tell(events.TimerFired())
        else:
            raise AssertionError("the timer spins")
        self.now = until

    @precondition(lambda self: not self.station_open or self.now > 20)
    @rule(roles=ROLE)
    def station_reconnects(self, roles: int) -> None:
        self.tell(events.StationClosed("gone"))
        assert not self.opened, "R12"
        self.begin(roles)

    # -- what is always so -------------------------------------------------------------------------------------

    @invariant()
    def everything_is_bounded(self) -> None:
        for leg in self.session.state.legs.values():
            assert len(leg.waiting) <= LIMITS.upward_waiting_max + LIMITS.station_calls_max + 257
            assert len(leg.commands_open) <= LIMITS.commands_waiting_max + 1
        assert sum(call["open"] for call in self.calls.values()) <= LIMITS.station_calls_max + (not self.station_open)

    @invariant()
    def no_call_stays_open_for_ever(self) -> None:
        if self.station_open:
            assert all(self.now < call["at"] + PATIENCE_S + 0.001 for call in self.calls.values() if call["open"]), "R2"


RelayMachine.TestCase.settings = settings(
    derandomize=True, database=None, deadline=None, max_examples=200, stateful_step_count=60
)
test_the_invariants_hold_whatever_happens = RelayMachine.TestCase
