"""Messages of a charger of another node: seen here while somebody watches, and no word sent before or after."""

import asyncio

from reconciler.app.fleet_stations import FleetStations
from reconciler.app.fleet_tap import LENT_FOR_S, FleetTap
from reconciler.app.message_tap import MessageTap, Wanted
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import Report
from reconciler.model.live import LiveCharger
from tests.support.local_depot import LocalDepot
from tests.support.memory_rows import MemoryRows
from tests.unit.app.test_errands import pair
from tests.unit.app.test_message_tap import Stage


async def test_what_passes_at_another_node_is_seen_by_whoever_watches_and_by_nobody_else() -> None:
    async with pair() as two:
        rows, here, stage = MemoryRows(), LocalDepot(), Stage()
        await here.declare("cp1")
        start = await rows.join("b", here.clock.now(), 1000.0)
        epoch = (await rows.take(start, ["cp1"], 1))["cp1"].epoch
        await rows.report(start, [Report("cp1", start, epoch, LiveCharger("cp1", True, 1.0, node="b"), 2)])
        taps = []
        for node, own in ((two.a, MessageTap({}, here.clock)), (two.b, stage.tap)):
            mirror = RelayMirror(rows, here.clock)
            await mirror.read()
            stations = FleetStations(here.node, mirror, node, here.clock, two.background)
            taps.append(FleetTap(own, stations, node, two.clock, two.background))
        stage.says(2, "1", "Heartbeat", {})
        await two.wake()
        assert two.rows.taken == []
        with taps[0].watch("cp1", Wanted(action="Boot")) as watch:
            await two.wake()
            stage.says(2, "2", "BootNotification", {"chargePointVendor": "v"})
            stage.says(2, "3", "Heartbeat", {})
            await two.wake()
            found, dropped = await watch.take(5.0)
        assert {message.action for message in found} == {"BootNotification"}
        assert dropped == 0
        two.clock.advance(LENT_FOR_S)  # nobody asks any more
        stage.says(2, "4", "BootNotification", {})
        async with asyncio.timeout(5):
            while taps[1]._lent_until_s:
                await two.wake()
        before = len(two.rows.taken)
        stage.says(2, "5", "BootNotification", {})
        await two.wake()
        assert len(two.rows.taken) == before
