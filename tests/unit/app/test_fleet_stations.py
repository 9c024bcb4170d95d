"""Stations of all nodes: one that is here is asked here, one that is elsewhere by its row."""

from reconciler.app.fleet_stations import FleetStations
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import Report, Taken
from reconciler.model.live import LiveCharger, LiveTransaction
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
