"""One live session: what happens on legs goes into the core, what the core asks is carried out on legs."""

import asyncio
import itertools
from collections.abc import Callable

from msgspec.structs import replace

from reconciler.app.csms_connection import CsmsConnection, RedialPolicy
from reconciler.app.legs import DialRequest
from reconciler.app.local_line import LocalConnection
from reconciler.app.station_session import Connection, StationSession, Totals
from reconciler.local.csms import LocalCsms
from reconciler.model.desired import LOCAL, Backend, DesiredCharger, DesiredLeg, LocalAnswers
from reconciler.model.features import OCPP_VERSIONS
from reconciler.model.live import Ack, LegPhase, Refusal
from reconciler.relay import commands
from reconciler.relay.memory import SessionMemory
from tests.support.fake_legs import FakeDialer, FakeLeg
from tests.support.relay import PASSIVE, PRIMARY, LiveClock, backend, charger

A, B = backend("a", "ws://a"), backend("b", "ws://b")
HASTY = backend("a", "ws://a", call_timeout_s=0.3)
"""One that must answer within a quarter of a second."""
HERE = Backend(LOCAL, "", OCPP_VERSIONS)
BOOT = b'[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'
ACCEPTED = b'{"status":"Accepted","currentTime":"2026-12-01T02:00:00Z","interval":0}'


class Owner:
    """Who a session belongs to: gives it connections and keeps what it reports."""

    def __init__(self) -> None:
        self.dialer = FakeDialer()
        self.reported: list[commands.Command] = []
        self.ended: list[str] = []
        self.waiting: list[Callable[[], None]] = []
        """What waits for the store."""

    def connect(self, session: StationSession, leg: DesiredLeg) -> Connection:
        if leg.backend.name == LOCAL:
            csms = LocalCsms(session.version, lambda: session.desired.local, lambda token: False)
            local = LocalConnection(csms, LiveClock(), session.feed)
            asyncio.get_running_loop().call_soon(local.start)
            return local
        request = DialRequest(session.desired.identity, leg, session.version)
        connection = CsmsConnection(request, self.dialer, RedialPolicy(first_s=0.001), session.feed)
        connection.start()
        return connection

    def session_command(self, session: StationSession, command: commands.Command) -> None:
        self.reported.append(command)

    def keep(self, session: StationSession, seq: int, raw: bytes, then: Callable[[], None]) -> None:
        self.waiting.append(then)
        self.dialer.bell.ring()

    def commit(self, session: StationSession, then: Callable[[], None]) -> None:
        self.waiting.append(then)

    def session_ended(self, session: StationSession, reason: str) -> None:
        self.ended.append(reason)

    def notes(self) -> list[str]:
        return [command.what for command in self.reported if isinstance(command, commands.Note)]


def session(owner: Owner, desired: DesiredCharger) -> tuple[StationSession, FakeLeg]:
    """Begin a session."""
    numbers = itertools.count(1)
    leg = FakeLeg()
    live = StationSession(
        leg,
        "ocpp1.6",
        1,
        desired,
        SessionMemory(),
        owner,
        LiveClock(),
        lambda: f"fresh-{next(numbers)}",
        Totals(),
    )
    leg.sink = live
    live.begin()
    return live, leg


async def registered(owner: Owner, station: FakeLeg, count: int) -> list[FakeLeg]:
    """Boot the station, let every back-end accept it, and return their legs."""
    station.peer_says(BOOT)
    legs = [await owner.dialer.leg(number + 1) for number in range(count)]
    for leg in legs:
        await owner.dialer.until(lambda leg=leg: leg.sent)
        answer(leg, ACCEPTED)
    return legs


def answer(leg: FakeLeg, payload: bytes) -> None:
    """Let a back-end answer the last call on its leg."""
    leg.peer_says(b"[3,%b,%b]" % (leg.sent[-1].split(b",")[1], payload))


async def test_a_session_opens_every_leg_and_carries_calls_and_answers() -> None:
    owner = Owner()
    live, station = session(owner, charger("cp1", [(A, PRIMARY), (B, PASSIVE)]))
    a, b = await registered(owner, station, 2)
    station.peer_says(b'[2,"7","Authorize",{"idTag":"T"}]')
    assert a.sent[-1] == b.sent[-1] == b'[2,"7","Authorize",{"idTag":"T"}]'
    answer(a, b'{"idTagInfo":{"status":"Accepted"}}')
    answer(b, b'{"idTagInfo":{"status":"Blocked"}}')
    assert station.sent == [b'[3,"boot",%b]' % ACCEPTED, b'[3,"7",{"idTagInfo":{"status":"Accepted"}}]']
    assert {leg.phase for leg in live.core.state.legs.values()} == {LegPhase.REGISTERED}


async def test_frames_are_counted_in_both_directions() -> None:
    owner = Owner()
    live, station = session(owner, charger("cp1", [(A, PRIMARY)]))
    await registered(owner, station, 1)
    station.peer_says(b"not a frame")
    assert (live._totals.up, live._totals.down) == (2, 1)


async def test_what_happens_while_commands_are_carried_out_waits_its_turn() -> None:
    """`local` answers inside of `send`: the session must not be entered again before it has finished."""
    owner = Owner()
    _, station = session(owner, charger("cp1", [(HERE, PRIMARY), (A, PASSIVE)]))
    await asyncio.sleep(0)  # local is there
    for number in range(100):
        station.peer_says(b'[2,"%d","MeterValues",{}]' % number)
    assert station.sent == [b'[3,"%d",{}]' % number for number in range(100)]


async def test_an_answer_that_brings_the_station_a_new_id_waits_for_the_store() -> None:
    owner = Owner()
    _, station = session(owner, charger("cp1", [(A, PRIMARY)]))
    (a,) = await registered(owner, station, 1)
    station.peer_says(b'[2,"7","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"x"}]')
    answer(a, b'{"transactionId":100,"idTagInfo":{"status":"Accepted"}}')
    assert len(station.sent) == 1
    (committed,) = owner.waiting
    committed()
    assert station.sent[1] == b'[3,"7",{"transactionId":100,"idTagInfo":{"status":"Accepted"}}]'


async def test_a_call_that_is_kept_is_acknowledged_once_it_is_stored() -> None:
    owner = Owner()
    desired = replace(charger("cp1", [(HASTY, PRIMARY)]), when_owner_is_down="buffer")
    owner.dialer.held = asyncio.Event()
    _, station = session(owner, desired)
    station.peer_says(b'[2,"7","MeterValues",{"connectorId":1,"meterValue":[]}]')
    await owner.dialer.until(lambda: owner.waiting)
    assert station.sent == []
    (stored,) = owner.waiting
    stored()
    assert station.sent == [b'[3,"7",{}]']


async def test_a_call_without_an_answer_ends_when_its_time_is_up() -> None:
    owner = Owner()
    _, station = session(owner, charger("cp1", [(HASTY, PRIMARY)]))
    (a,) = await registered(owner, station, 1)
    station.peer_says(b'[2,"7","Authorize",{"idTag":"T"}]')
    assert a.sent[-1].startswith(b'[2,"7"')
    await station.bell.until(lambda: len(station.sent) == 2, 5.0)
    assert station.sent[-1].startswith(b'[4,"7","InternalError"')
    assert "call-timeout" in owner.notes()


async def test_a_generation_that_runs_is_acknowledged_to_all_who_asked_and_is_what_the_session_runs() -> None:
    owner = Owner()
    before = charger("cp1", [(A, PRIMARY), (HERE, PASSIVE)])
    live, station = session(owner, before)
    after = replace(charger("cp1", [(A, PASSIVE), (HERE, PRIMARY)]), local=LocalAnswers(authorize="accept"))
    asked = [live.want(2, after), live.want(2, after)]
    assert live.desired is before
    await registered(owner, station, 1)
    assert [await waiter for waiter in asked] == [Ack(2), Ack(2)]
    assert live.desired is after
    station.peer_says(b'[2,"7","Authorize",{"idTag":"T"}]')
    assert station.sent[-1] == b'[3,"7",{"idTagInfo":{"status":"Accepted"}}]'


async def test_a_generation_that_can_not_run_is_refused_and_changes_nothing() -> None:
    owner = Owner()
    before = charger("cp1", [(A, PRIMARY)])
    live, station = session(owner, before)
    await registered(owner, station, 1)
    other = backend("b", "ws://b", versions=("ocpp2.1",))
    outcome = await live.want(2, charger("cp1", [(A, PASSIVE), (other, PRIMARY)]))
    assert isinstance(outcome, Refusal)
    assert "ocpp1.6" in outcome.reason
    assert live.desired is before


async def test_who_asks_and_does_not_wait_does_no_harm_to_the_others() -> None:
    owner = Owner()
    live, _ = session(owner, charger("cp1", [(A, PRIMARY), (B, PASSIVE)]))
    wanted = charger("cp1", [(A, PASSIVE), (B, PRIMARY)])
    impatient, patient = live.want(2, wanted), live.want(2, wanted)
    impatient.cancel()
    live.end("the station is gone")
    assert await patient is None


async def test_the_end_closes_every_leg_gives_who_waits_no_outcome_and_is_told_once() -> None:
    owner = Owner()
    live, station = session(owner, charger("cp1", [(A, PRIMARY), (B, PASSIVE)]))
    a, b = await registered(owner, station, 2)
    waiter = live.want(2, charger("cp1", [(A, PASSIVE), (B, PASSIVE), (backend("c", "ws://c"), PRIMARY)]))
    station.peer_leaves(1006, "cable pulled")
    assert a.closed == b.closed == (1001, "the charging station is gone: 1006 cable pulled")
    assert set(live.closing) == {"a", "b"}  # the dial of c had not begun
    assert live.connections == {}
    assert await waiter is None
    live.end("again")
    assert owner.ended == ["1006 cable pulled"]


async def test_a_session_that_was_ended_by_another_does_nothing_more_for_its_station() -> None:
    owner = Owner()
    live, station = session(owner, charger("cp1", [(A, PRIMARY)]))
    (a,) = await registered(owner, station, 1)
    live.end("replaced by a newer connection")
    station.peer_says(b'[2,"7","Authorize",{"idTag":"T"}]')
    assert a.closed is not None
    assert len(a.sent) == len(station.sent) == 1
