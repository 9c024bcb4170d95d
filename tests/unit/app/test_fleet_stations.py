"""Stations of all nodes: one that is here is asked here, one that is elsewhere by its row."""

import asyncio

import pytest
from msgspec.structs import replace

from reconciler.app import fleet_stations
from reconciler.app.fleet_stations import FleetStations
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import Ask, Report, Taken
from reconciler.model.desired import LOCAL
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg, LiveTransaction
from tests.support.local_depot import LocalDepot
from tests.support.memory_rows import MemoryRows
from tests.unit.app.test_errands import Pair, pair

FAR = LiveCharger("cp001", connected=True, since_s=1.0, node="b", transactions=(LiveTransaction("7", "local", 1.0),))


async def stations_at(two: Pair, name: str, rows: MemoryRows, depot: LocalDepot) -> tuple[FleetStations, RelayMirror]:
    """Return the stations as one node of the pair sees them."""
    mirror = RelayMirror(rows, depot.clock)
    await mirror.read()
    return FleetStations(depot.node, mirror, two.nodes[f"{name}/1"], depot.clock, two.background), mirror


async def test_a_station_of_another_node_is_seen_and_asked_there_until_that_node_is_gone() -> None:
    async with pair() as two:
        rows, here, there = MemoryRows(), LocalDepot(), LocalDepot()
        for depot in (here, there):
            await depot.declare("cp001")
        start = await rows.join("b", here.clock.now(), 10.0)
        epoch = (await rows.take(start, ["cp001"], 1))["cp001"].epoch
        await rows.report(start, [Report("cp001", start, epoch, FAR, 2)])
        stations, mirror = await stations_at(two, "a", rows, here)
        await stations_at(two, "b", rows, there)
        live = stations.live_charger("cp001")
        assert live is not None
        assert (live.connected, live.connections, len(live.transactions)) == (True, epoch, 1)
        assert stations.elsewhere("cp001") == "b/1"
        assert await stations.transaction_for_local("cp001", "7") == "7"  # as b says, where it is not connected by now

        here.clock.advance(11.0)
        await mirror.read()
        live = stations.live_charger("cp001")
        assert live is not None
        assert not live.connected
        assert stations.elsewhere("cp001") == ""


async def test_a_station_that_is_here_is_seen_here_whatever_rows_say() -> None:
    async with pair() as two:
        rows, here = MemoryRows(), LocalDepot()
        await here.declare("cp001")
        start = await rows.join("b", here.clock.now(), 10.0)
        await rows.take(start, ["cp001"], 1)
        await rows.report(start, [Report("cp001", start, 1, FAR, 2)])
        stations, _ = await stations_at(two, "a", rows, here)
        here.node.taken("cp001", Taken(2))
        await here.connect("cp001")
        live = stations.live_charger("cp001")
        assert live is not None
        assert (live.connected, live.connections, live.transactions) == (True, 2, ())
        assert stations.elsewhere("cp001") == ""


class Arrival:
    """A charger that is coming in at node b, as node a sees it that has not read of it yet."""

    def __init__(self, two: Pair) -> None:
        self.rows, self.here = MemoryRows(), LocalDepot()
        self._two = two

    async def begin(self, *, declared_here: bool = True) -> None:
        """Have b take the charger."""
        if declared_here:
            await self.here.declare("cp001")
        self.start = await self.rows.join("b", self.here.clock.now(), 10.0)
        self.stations, self.mirror = await stations_at(self._two, "a", self.rows, self.here)
        self.epoch = (await self.rows.take(self.start, ["cp001"], 1))["cp001"].epoch

    async def report(self, seq: int, phase: LegPhase | None) -> None:
        """Have b report the charger connected, with its leg to `local` in this phase."""
        legs = (LiveLeg(LOCAL, "primary", phase, 0.0),) if phase else ()
        await self.rows.report(self.start, [Report("cp001", self.start, self.epoch, replace(FAR, legs=legs), seq)])

    def connected(self) -> bool:
        """Return whether a takes it for connected."""
        live = self.stations.live_charger("cp001")
        return live is not None and live.connected


async def test_what_another_node_told_is_known_once_caught_up_with() -> None:
    async with pair() as two:
        arrival = Arrival(two)
        await arrival.begin()
        await arrival.report(2, LegPhase.REGISTERED)
        assert not arrival.connected()
        await arrival.stations.catch_up("cp001")
        assert arrival.connected()


async def test_a_charger_is_declared_as_soon_as_it_is_asked_for_and_no_more_once_it_is_withdrawn() -> None:
    async with pair() as two:
        arrival = Arrival(two)
        await arrival.begin(declared_here=False)
        await arrival.report(2, LegPhase.REGISTERED)
        await arrival.stations.catch_up("cp001")
        assert arrival.stations.live_charger("cp001") is None
        desired = await LocalDepot().declare("cp001")
        for generation, what in enumerate([desired, None], start=1):
            await arrival.rows.ask([Ask("cp001", generation, what)], "n1/1", 1, arrival.here.clock.now())
            await arrival.stations.catch_up("cp001")
            assert arrival.connected() is (what is not None)


async def test_a_station_that_is_just_coming_in_elsewhere_is_waited_for_until_local_has_it() -> None:
    async with pair() as two:
        arrival = Arrival(two)
        await arrival.begin()
        caught_up = asyncio.ensure_future(arrival.stations.catch_up("cp001"))
        for seq, phase in enumerate([None, LegPhase.CONNECTED, LegPhase.REGISTERED], start=2):
            await arrival.here.settle()
            assert not caught_up.done()
            if phase:
                await arrival.report(seq, phase)
            await arrival.mirror.read()
        await caught_up
        assert arrival.connected()


async def test_it_is_not_waited_for_ever_nor_for_one_whose_node_is_gone_or_that_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pair() as two:
        arrival = Arrival(two)
        await arrival.begin()
        monkeypatch.setattr(fleet_stations, "COMING_WITHIN_S", 0.01)
        await arrival.stations.catch_up("cp001")  # b has died, and its lease has not run out
        monkeypatch.setattr(fleet_stations, "COMING_WITHIN_S", 3600.0)
        arrival.here.clock.advance(11.0)
        await arrival.stations.catch_up("cp001")
        await arrival.rows.renew(arrival.start, arrival.here.clock.now(), 10.0)
        gone = LiveCharger("cp001", connected=False, since_s=1.0, node="b")
        await arrival.rows.report(arrival.start, [Report("cp001", arrival.start, arrival.epoch, gone, 2)])
        await arrival.stations.catch_up("cp001")
        assert not arrival.connected()


async def test_nothing_is_read_for_a_station_that_is_here_or_where_there_are_no_other_nodes() -> None:
    async with pair() as two:
        arrival = Arrival(two)
        await arrival.begin()
        await arrival.here.connect("cp001")
        arrival.rows.away = True
        await arrival.stations.catch_up("cp001")
        await arrival.here.leave("cp001")
        with pytest.raises(OSError, match="away"):
            await arrival.stations.catch_up("cp001")
        arrival.rows.away = False
        arrival.here.clock.advance(11.0)
        await arrival.mirror.read()
        arrival.rows.away = True
        await arrival.stations.catch_up("cp001")
