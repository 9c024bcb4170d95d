"""What load control knows of chargers of other nodes: fresh facts while they answer, the worst while they don't."""

from collections.abc import Sequence

from reconciler.app.fleet_stations import FleetStations
from reconciler.app.load_stations import FleetLoads
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import Report
from reconciler.local.load.facts import Facts
from reconciler.local.load.metering import Meter
from reconciler.model.live import LiveCharger
from reconciler.model.local_rules import LoadMember
from tests.support.clock import FakeClock
from tests.support.local_depot import OURS, THEIRS, LocalDepot
from tests.support.memory_rows import MemoryRows
from tests.unit.app.test_errands import Pair, pair

MEMBER = LoadMember("cp1", 22_000.0)
STALE_S = 180.0
VALUE = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "x", "sampledValue": [{"value": "7000", "measurand": "Power.Active.Import"}]}],
}


class TwoNodes:
    """Node a, which acts, and node b, which has the station of cp1."""

    def __init__(self, two: Pair) -> None:
        self.two, self.rows = two, MemoryRows()
        self.here, self.there = LocalDepot(), LocalDepot()
        self.told: list[str] = []
        self.meter = Meter()

    async def begin(self, roles: Sequence[object]) -> None:
        """Connect the station to b, and let both nodes know it."""
        for depot in (self.here, self.there):
            await depot.declare("cp1", roles)
        self.station = await self.there.connect("cp1")
        start = await self.rows.join("b", self.here.clock.now(), 10.0)
        epoch = (await self.rows.take(start, ["cp1"], 1))["cp1"].epoch
        live = self.there.node.live()["cp1"]
        await self.rows.report(
            start,
            [Report("cp1", start, epoch, LiveCharger("cp1", True, 1.0, live.version, owners=live.owners, node="b"), 2)],
        )
        self.loads = await self._loads("a", self.here)
        self.far = await self._loads("b", self.there)
        self.far.meter_of = lambda charger: self.meter

    async def _loads(self, name: str, depot: LocalDepot) -> FleetLoads:
        mirror = RelayMirror(self.rows, depot.clock)
        await mirror.read()
        errands = self.two.nodes[f"{name}/1"]
        stations = FleetStations(depot.node, mirror, errands, depot.clock, self.two.background)
        self.mirror = mirror if name == "a" else self.mirror
        return FleetLoads(depot.node, stations, errands, depot.clock, self.told.append)

    def facts(self) -> Facts:
        """Return what a knows now."""
        return self.loads.facts(MEMBER, Meter(), self.here.clock.monotonic_s(), STALE_S)

    def clocks(self) -> tuple[FakeClock, FakeClock]:
        """Return both clocks."""
        return self.here.clock, self.there.clock


async def test_facts_of_another_node_are_as_that_one_sees_them_by_this_ones_clock() -> None:
    async with pair() as two:
        nodes = TwoNodes(two)
        await nodes.begin(OURS)
        assert not nodes.facts().connected  # nobody has said anything: it counts with all that it may draw
        nodes.there.clock.advance(1000.0)  # monotonic clocks have nothing in common
        now = nodes.there.clock.now()
        nodes.meter.take(
            "MeterValues",
            {**VALUE, "meterValue": [{**VALUE["meterValue"][0], "timestamp": now.isoformat()}]},
            now,
            nodes.there.clock.monotonic_s(),
        )
        nodes.there.clock.advance(5.0)
        await nodes.loads.refresh({"cp1": STALE_S})
        facts = nodes.facts()
        assert (facts.connected, facts.governed, facts.rated_w) == (True, True, 22_000.0)
        assert facts.reading is not None
        assert facts.reading.watts == 7000.0
        assert nodes.here.clock.monotonic_s() - facts.reading.at_s == 5.0
        assert nodes.loads.version("cp1") == "ocpp1.6"


async def test_a_node_that_is_gone_leaves_chargers_that_count_as_not_connected() -> None:
    async with pair() as two:
        nodes = TwoNodes(two)
        await nodes.begin(THEIRS)
        await nodes.loads.refresh({"cp1": STALE_S})
        assert nodes.facts().why_not == "partner owns smart-charging"
        assert nodes.facts().connected
        nodes.here.clock.advance(11.0)  # its lease has run out
        await nodes.mirror.read()
        await nodes.loads.refresh({"cp1": STALE_S})
        facts = nodes.facts()
        assert (facts.connected, facts.seen) == (False, True)
        assert nodes.loads.version("cp1") == ""
        assert nodes.loads.orphan("cp1") == "waits"


async def test_a_limit_that_no_policy_has_is_cleared_where_it_stands_or_is_gone() -> None:
    async with pair() as two:
        nodes = TwoNodes(two)
        await nodes.begin(OURS)
        assert nodes.loads.orphan("cp1") == "waits"  # nobody knows yet whether it stands
        await nodes.loads.refresh({"cp1": STALE_S})
        assert nodes.loads.orphan("cp1") == "gone"
        assert nodes.loads.orphan("nobody") == "gone"
        nodes.loads.disown("cp1")
        nodes.loads.stir("cp1")
        await two.wake()
        assert len(two.rows.taken) == 2
        assert nodes.told == ["cp1"]
