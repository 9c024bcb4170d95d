"""What other nodes say for notifications: how their chargers stand, and, once, what happened there."""

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from reconciler.app.errands import Body, Doing
from reconciler.app.fleet_stations import FleetStations
from reconciler.app.notification_reach import STANDING, Difference, FleetReach, NoReach, Standing
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import Report
from reconciler.local.notifications import Condition
from reconciler.model.live import LiveCharger
from tests.support.clock import EPOCH
from tests.support.local_depot import LocalDepot
from tests.support.memory_rows import MemoryRows
from tests.unit.app.test_errands import pair

FAULT = Condition("connector-faulted", "cp1/1", "cp1", True, EPOCH, ("local",), "cp1", "GroundFailure")


def watched(reach: FleetReach, answers: list[Difference]) -> Doing:
    """Return how `reach` answers, with its answers kept."""

    async def answer(body: Body) -> Body:
        found = await reach._for_another(body)
        answers.append(msgspec.convert(found, Difference))
        return found

    return answer


async def test_another_node_says_how_its_chargers_stand_and_once_what_happened() -> None:
    async with pair() as two:
        rows, here = MemoryRows(), LocalDepot()
        await here.declare("cp1")
        start = await rows.join("b", here.clock.now(), 10.0)
        await rows.join("a", here.clock.now(), 10.0)
        epoch = (await rows.take(start, ["cp1"], 1))["cp1"].epoch
        await rows.report(start, [Report("cp1", start, epoch, LiveCharger("cp1", True, 1.0, node="b"), 2)])
        reaches = []
        for node in (two.a, two.b):
            mirror = RelayMirror(rows, here.clock)
            await mirror.read()
            stations = FleetStations(here.node, mirror, node, here.clock, two.background)
            reaches.append(FleetReach(stations, node))
        asking, asked = reaches
        faults, answers = {"cp1": (FAULT,)}, list[Difference]()
        asked.here = lambda: Standing(dict(faults), {name: {"partner": True} for name in faults})
        assert await asking.standing() == Standing({"cp1": (FAULT,)}, {"cp1": {"partner": True}})
        two.b.on(STANDING, watched(asked, answers))
        assert await asking.standing() == Standing({"cp1": (FAULT,)}, {"cp1": {"partner": True}})
        assert (answers[-1].is_all, answers[-1].conditions) == (False, {})  # nothing is new
        faults["cp1"] = (replace(FAULT, stands=False, since=EPOCH + timedelta(seconds=1)),)
        assert (await asking.standing()).conditions == faults
        faults["cp1"] = (replace(FAULT, stands=False, since=EPOCH + timedelta(seconds=2)),)
        await asking.standing()
        assert answers[-1].conditions == {}  # well is well
        two.rows.keys.clear()
        two.a._keys.clear()  # as of a start that publishes none: it can't be asked
        assert set((await asking.standing()).conditions) == {"cp1"}
        await two.b.join()
        faults.clear()
        assert await asking.standing() == Standing()
        assert answers[-1].gone == ["cp1"]
        live = asking.last_elsewhere("cp1")
        assert live is not None
        assert live.connected
        assert asking.last_elsewhere("cp2") is None


async def test_without_other_nodes_nothing_is_known_of_any() -> None:
    assert NoReach().last_elsewhere("cp1") is None
    assert await NoReach().standing() == Standing()
