"""The relay node without sockets: admission, sessions that replace each other, generations, memories."""

import asyncio
import itertools
from dataclasses import dataclass

from msgspec.structs import replace

from reconciler.app.csms_connection import RedialPolicy
from reconciler.app.legs import Admit, Knock, Refuse
from reconciler.app.node import RelayNode, World
from reconciler.app.ports import ChargerMemory
from reconciler.model.live import Ack, Deferred
from tests.support.clock import EPOCH
from tests.support.fake_legs import FakeDialer, FakeLeg
from tests.support.local_depot import LocalDepot
from tests.support.relay import (
    PASSIVE,
    PRIMARY,
    KnownSecrets,
    ListRecorder,
    LiveClock,
    Tally,
    backend,
    charger,
)

A, B = backend("a", "ws://a"), backend("b", "ws://b")
CP1 = charger("cp1", [(A, PRIMARY), (B, PASSIVE)])
FLIPPED = charger("cp1", [(A, PASSIVE), (B, PRIMARY)])
BOOT = b'[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'


@dataclass
class Ends:
    """A node and everything that it was given."""

    node: RelayNode
    dialer: FakeDialer
    tally: Tally
    recorder: ListRecorder
    changes: list[str]

    async def knock(self, identity: str = "CP1", authorization: str | None = None) -> Admit | Refuse:
        """Knock as a station."""
        return await self.node.admit(Knock(identity, ("ocpp1.6",), authorization, "10.0.0.1:5000", f"/{identity}"))

    async def station(self, identity: str = "CP1") -> FakeLeg:
        """Let a station in."""
        admit = await self.knock(identity)
        assert isinstance(admit, Admit), admit
        leg = FakeLeg()
        leg.sink = self.node.opened(admit, leg)
        return leg

    async def registered(self, station: FakeLeg, legs: int = 2) -> None:
        """Boot a station and let every back-end accept it."""
        station.peer_says(BOOT)
        await self.dialer.until(lambda: len(self.dialer.legs) >= legs)
        for leg in self.dialer.legs[-legs:]:
            await self.dialer.until(lambda leg=leg: leg.sent)
            self.answers(leg, b'{"status":"Accepted","currentTime":"2026-12-01T02:00:00Z","interval":0}')

    def answers(self, leg: FakeLeg, payload: bytes) -> None:
        """Let a back-end answer the last call on its leg."""
        leg.peer_says(b"[3,%b,%b]" % (leg.sent[-1].split(b",")[1], payload))


def ends(secrets: dict[str, bytes] | None = None) -> Ends:
    dialer, tally, recorder = FakeDialer(), Tally(), ListRecorder()
    numbers = itertools.count(1)
    world = World(
        dialer=dialer,
        secrets=KnownSecrets(secrets or {}),
        clock=LiveClock(),
        metrics=tally,
        log=tally.log,
        recorder=recorder,  # type: ignore[arg-type]  # the same methods
        new_id=lambda: f"fresh-{next(numbers)}",
        token_key=b"key",
        redial=RedialPolicy(first_s=0.001, longest_s=0.001),
    )
    changes: list[str] = []
    return Ends(RelayNode(world, changes.append), dialer, tally, recorder, changes)


async def test_an_identity_that_is_not_declared_is_unknown() -> None:
    world = ends()
    refused = await world.knock("CP2")
    assert isinstance(refused, Refuse)
    assert refused.status == 404
    assert world.tally.counts == {("station_connections", "refused"): 1, ("security_events", "unknown-station"): 1}
    line, fields = world.tally.lines[-1]
    assert (line, fields["identity"], fields["status"]) == ("station-refused", "CP2", 404)
    assert [(stranger.identity, stranger.versions) for stranger in world.recorder.strangers] == [("CP2", ("ocpp1.6",))]


async def test_a_declared_charger_is_offline_until_its_station_is_in() -> None:
    world = ends()
    assert await world.node.set_desired("cp1", 5, CP1) == Deferred(5)
    live = world.node.live()["cp1"]
    assert (live.connected, live.since_s, live.generation, live.legs) == (False, 0.0, 0, ())
    await world.station()
    live = world.node.live()["cp1"]
    assert (live.connected, live.generation, live.version, live.connections) == (True, 5, "ocpp1.6", 1)
    assert [leg.backend for leg in live.legs] == ["a", "b"]
    assert world.changes == ["cp1"]
    assert [event.kind for event in world.recorder.events] == ["station-connected"]


async def test_a_station_that_left_is_offline_and_known_since_when() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, CP1)
    station = await world.station()
    station.peer_leaves(1006, "cable pulled")
    live = world.node.live()["cp1"]
    assert not live.connected
    assert live.since_s > EPOCH.timestamp() - 10**9
    assert world.recorder.events[-1].summary == "cp1 left: 1006 cable pulled"
    assert world.changes == ["cp1", "cp1"]
    await world.dialer.until(lambda: all(leg.closed for leg in world.dialer.legs))


async def test_a_newer_connection_ends_the_older_one_whose_late_end_harms_nothing() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, CP1)
    older = await world.station()
    older.holds_close = True
    newer = await world.station()
    assert older.closed == (1008, "replaced by a newer connection")
    changes = len(world.changes)
    older.peer_leaves(1008)
    assert world.node.live()["cp1"].connected
    assert len(world.changes) == changes
    newer.peer_leaves()
    assert not world.node.live()["cp1"].connected


async def test_a_new_session_does_not_dial_before_the_old_one_s_legs_are_closed() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, charger("cp1", [(A, PRIMARY)]))
    older = await world.station()
    leg = await world.dialer.leg()
    leg.holds_close = True
    older.peer_leaves()
    assert leg.closed is not None
    await world.station()
    await asyncio.sleep(0.01)
    assert len(world.dialer.requests) == 1
    leg.peer_leaves(1001)
    await world.dialer.leg(2)


async def test_a_generation_that_runs_is_acknowledged_and_the_next_session_begins_with_it() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, CP1)
    station = await world.station()
    await world.registered(station)
    asking = asyncio.get_running_loop().create_task(world.node.set_desired("cp1", 2, FLIPPED))
    b = next(leg for leg in world.dialer.legs if b"boot" not in leg.sent[0])
    await world.dialer.until(lambda: b"Heartbeat" in b.sent[-1])  # who gains is asked whether it is there
    world.answers(b, b'{"currentTime":"2026-12-01T02:00:00Z"}')
    assert await asking == Ack(2)
    assert set((world.node.live()["cp1"].owners or {}).values()) == {"b"}
    assert world.tally.counts["flips",] == 1
    await world.station()
    live = world.node.live()["cp1"]
    assert (live.generation, set((live.owners or {}).values())) == (2, {"b"})


async def test_a_station_that_leaves_before_the_outcome_leaves_it_to_its_next_session() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, CP1)
    station = await world.station()
    asking = asyncio.get_running_loop().create_task(world.node.set_desired("cp1", 2, FLIPPED))
    await asyncio.sleep(0)
    station.peer_leaves()
    assert await asking == Deferred(2)
    await world.station()
    assert world.node.live()["cp1"].generation == 2


async def test_a_newer_wish_that_came_meanwhile_is_not_undone_by_an_older_one() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, CP1)
    station = await world.station()
    asking = asyncio.get_running_loop().create_task(world.node.set_desired("cp1", 2, FLIPPED))
    await asyncio.sleep(0)
    moved = replace(CP1, identity="CP9")
    assert await world.node.set_desired("cp1", 3, moved) == Deferred(3)
    assert station.closed == (1012, "connect again: its identity changed")
    assert await asking == Deferred(2)
    await world.station("CP9")
    assert world.node.live()["cp1"].generation == 3


async def test_a_wish_for_a_charger_that_was_withdrawn_meanwhile_does_not_bring_it_back() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, CP1)
    await world.station()
    asking = asyncio.get_running_loop().create_task(world.node.set_desired("cp1", 2, FLIPPED))
    await asyncio.sleep(0)
    assert await world.node.set_desired("cp1", 3, None) == Ack(3)
    await asking
    assert dict(world.node.live()) == {}
    assert isinstance(await world.knock(), Refuse)


async def test_a_session_of_a_withdrawn_charger_has_no_say_over_the_one_declared_after_it() -> None:
    world = ends()
    await world.node.set_desired("cp1", 1, charger("cp1", [(A, PRIMARY)]))
    older = await world.station()
    older.holds_close = True
    await world.node.set_desired("cp1", 2, None)
    await world.node.set_desired("cp1", 7, FLIPPED)
    older.peer_says(BOOT)
    older.peer_leaves()
    await world.station()
    live = world.node.live()["cp1"]
    assert (live.connected, live.generation, set((live.owners or {}).values())) == (True, 7, {"b"})


async def test_withdrawing_what_is_not_declared_is_harmless() -> None:
    assert await ends().node.set_desired("cp1", 1, None) == Ack(1)


async def test_a_memory_that_was_kept_is_the_charger_s_own_and_is_used_once() -> None:
    world = ends()
    boot = b'{"chargePointVendor":"v","chargePointModel":"m"}'
    world.node.restore([ChargerMemory("cp1", "ocpp1.6", boot), ChargerMemory("cp2", "ocpp1.6", b"{}")])
    await world.node.set_desired("cp1", 1, charger("cp1", [(A, PRIMARY)]))
    station = await world.station()
    station.peer_says(b'[2,"1","Heartbeat",{}]')
    leg = await world.dialer.leg()
    await world.dialer.until(lambda: leg.sent)
    assert leg.sent[0].startswith(b'[2,"fresh-')
    assert leg.sent[0].endswith(b'"BootNotification",' + boot + b"]")
    await world.node.set_desired("cp1", 2, None)
    await world.node.set_desired("cp1", 3, CP1)
    station = await world.station()
    station.peer_says(BOOT)
    assert world.recorder.memories["cp1"].boot == boot


async def test_other_nodes_are_told_at_once_when_local_may_operate_a_charger() -> None:
    """Legs are told late otherwise, and until then it is refused there as not booted."""

    class Holdings:
        async def take(self, charger: str) -> None:
            pass

    for holdings, calls in ((None, 1), (Holdings(), 2)):
        depot, told = LocalDepot(), list[str]()
        await depot.declare("cp1")
        depot.node.holdings, depot.node.changed = holdings, told.append
        await depot.connect("cp1")
        assert told == ["cp1"] * calls
