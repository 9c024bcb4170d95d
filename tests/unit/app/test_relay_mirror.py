"""The rows as last read: new ones once, and chargers of a node that is gone are offline."""

import asyncio

from reconciler.app.relay_mirror import News, RelayMirror
from reconciler.app.relay_rows import Ask, NodeStart, Report
from reconciler.model.live import LiveCharger
from tests.support.clock import FakeClock
from tests.support.memory_rows import MemoryRows


class Nodes:
    """Rows, a clock and a mirror of them."""

    def __init__(self) -> None:
        self.rows, self.clock = MemoryRows(), FakeClock()
        self.mirror = RelayMirror(self.rows, self.clock)
        self.news: list[News] = []
        self.mirror.listen(self.news.append)

    async def start(self, node: str, *chargers: str) -> NodeStart:
        """Let a node start and have these chargers connected."""
        start = await self.rows.join(node, self.clock.now(), 10)
        await self.tell(start, *chargers, seq=1)
        return start

    async def tell(self, start: NodeStart, *chargers: str, seq: int) -> None:
        """Let a node report that these are connected."""
        taken = await self.rows.take(start, chargers, seq)
        live = [LiveCharger(name, connected=True, since_s=float(seq)) for name in chargers]
        await self.rows.report(start, [Report(one.name, start, taken[one.name].epoch, one, seq + 1) for one in live])

    def connected(self) -> list[str]:
        """Return the chargers that are connected as far as is known."""
        return sorted(name for name, live in self.mirror.live.items() if live.connected)


async def test_what_is_new_is_read_once_and_told_to_whoever_listens() -> None:
    nodes = Nodes()
    await nodes.start("a", "cp1")
    await nodes.rows.ask([Ask("cp1", 1, None), Ask("cp2", 1, None)], "n1/1", 1, nodes.clock.now())
    first = await nodes.mirror.read()
    assert [ask.charger for ask in first.asks] == ["cp1", "cp2"]
    assert first.chargers == {"cp1", "cp2"}
    assert (await nodes.mirror.read()).chargers == frozenset()
    assert len(nodes.news) == 2
    assert nodes.connected() == ["cp1"]


async def test_chargers_of_a_node_whose_lease_ran_out_are_offline_until_it_is_back() -> None:
    nodes = Nodes()
    start = await nodes.start("a", "cp1")
    await nodes.mirror.read()
    nodes.clock.advance(10)
    assert (await nodes.mirror.read()).nodes_turned == ("cp1",)
    assert nodes.connected() == []
    await nodes.rows.renew(start, nodes.clock.now(), 10)
    assert (await nodes.mirror.read()).nodes_turned == ("cp1",)
    assert nodes.connected() == ["cp1"]


async def test_chargers_of_an_earlier_start_are_offline_at_once() -> None:
    nodes = Nodes()
    await nodes.start("a", "cp1")
    await nodes.mirror.read()
    again = await nodes.start("a")
    await nodes.mirror.read()
    assert nodes.connected() == []
    await nodes.tell(again, "cp1", seq=3)
    await nodes.mirror.read()
    assert nodes.connected() == ["cp1"]


async def test_a_charger_that_moved_is_where_it_was_taken_last() -> None:
    nodes = Nodes()
    await nodes.start("a", "cp1")
    await nodes.mirror.read()
    there = await nodes.start("b", "cp1")
    await nodes.mirror.read()
    assert nodes.mirror.reports["cp1"].start == there
    nodes.clock.advance(10)
    await nodes.rows.renew(NodeStart("a", 1), nodes.clock.now(), 10)
    await nodes.mirror.read()
    assert nodes.connected() == []


async def test_a_reading_that_fails_is_reported_and_what_was_read_stays() -> None:
    nodes, trouble = Nodes(), asyncio.Event()
    await nodes.start("a", "cp1")
    await nodes.mirror.read()
    nodes.rows.away = True
    following = asyncio.ensure_future(nodes.mirror.follow(lambda what, error: trouble.set()))
    nodes.mirror.hint()
    async with asyncio.timeout(5):
        await trouble.wait()
    following.cancel()
    assert nodes.connected() == ["cp1"]
