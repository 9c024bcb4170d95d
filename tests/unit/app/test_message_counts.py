"""Message counts: rings that turn, counters that begin anew, replaced sessions, and a whole fleet in pieces."""

import asyncio
import gc

from reconciler.app.message_counts import BIN_S, CHARGER_BINS, MessageCounts, Ring
from reconciler.app.passed import DOWN, UP, Passed
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import NodeStart, Report
from reconciler.app.station_session import StationSession, Totals
from reconciler.app.tasks import Background
from reconciler.model.live import LiveCharger
from tests.support.clock import FakeClock
from tests.support.local_depot import LocalDepot
from tests.support.memory_rows import MemoryRows


def test_a_ring_keeps_the_newest_and_forgets_what_is_older() -> None:
    ring = Ring(3)
    for number, count in ((10, 5), (10, 1), (11, 2), (12, 4)):
        ring.add(number, "a", count)
    assert ring.read(12) == {"a": (6, 2, 4)}
    ring.add(13, "b", 7)
    assert ring.read(13) == {"a": (2, 4, 0), "b": (0, 0, 7)}
    assert ring.read(15) == {"b": (7, 0, 0)}
    assert ring.read(99) == {}


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    ring = Ring(3)
    ring.add(10, "a", 1)
    ring.add(8, "a", 1)
    assert ring.read(8) == {"a": (0, 0, 2)}


def test_lanes_of_back_ends_that_are_long_gone_make_way() -> None:
    ring = Ring(2)
    for number in range(40):
        ring.add(number, f"backend-{number}", 1)
    assert ring.read(39) == {"backend-38": (1, 0), "backend-39": (0, 1)}
    ring.add(40, "one-more", 1)
    assert len(ring._lanes) <= 17


async def depot_of(*names: str) -> tuple[LocalDepot, MessageCounts]:
    depot = LocalDepot()
    for name in names:
        await depot.declare(name)
    return depot, MessageCounts(depot.node, lambda: list(names), depot.clock)


async def test_what_passes_is_counted_by_direction_and_by_back_end_and_by_when() -> None:
    depot, counts = await depot_of("cp1")
    assert counts.of("cp1").lanes == {}
    station = await depot.connect("cp1")
    first = counts.of("cp1").lanes
    assert first[UP][-1] == 1  # the BootNotification
    assert first[DOWN][-1] == 1
    assert set(first) == {UP, DOWN, "local", "partner"}
    depot.clock.advance(BIN_S)
    for _ in range(3):
        station.say("Heartbeat", {})
    await depot.settle()
    later = counts.of("cp1")
    assert later.lanes[UP][-2:] == (1, 3)
    assert later.lanes[DOWN][-2:] == (1, 3)
    assert len(later.lanes[UP]) == CHARGER_BINS
    assert (later.until - later.since).total_seconds() <= BIN_S * CHARGER_BINS
    assert counts.of_all().lanes[UP][-1] == 4  # of all chargers: first asked for only now
    assert counts.of("nobody").lanes == {}


async def test_a_session_that_was_replaced_is_counted_to_its_end() -> None:
    depot, counts = await depot_of("cp1")
    station = await depot.connect("cp1")
    counts.of("cp1")
    station.say("Heartbeat", {})
    await depot.settle()
    await depot.connect("cp1")  # the heartbeat was not read yet
    assert counts.of("cp1").lanes[UP][-1] == 3  # two boots and the heartbeat
    await depot.leave("cp1")
    assert counts.of("cp1").lanes[UP][-1] == 3


class Fleet:
    """A mirror of what other nodes report, and the counts of a node that has no charger itself."""

    def __init__(self) -> None:
        self.rows, self.clock = MemoryRows(), FakeClock()
        self.mirror = RelayMirror(self.rows, self.clock)
        self.counts = MessageCounts(self, lambda: ["cp1"], self.clock)
        self.totals = Totals()
        self._seq = 0

    def passed(self, charger: str) -> Passed:
        """Return nothing: no charger is here."""
        return {}

    async def start(self, node: str) -> NodeStart:
        """Let a node start."""
        return await self.rows.join(node, self.clock.now(), 1e6)

    async def tell(self, start: NodeStart, **passed: int) -> None:
        """Let a node say what passed of cp1 so far: `up`, `down` or a back-end."""
        self._seq += 1
        lanes = {{"up": UP, "down": DOWN}.get(lane, lane): count for lane, count in passed.items()}
        epoch = (await self.rows.take(start, ["cp1"], self._seq))["cp1"].epoch
        live = LiveCharger("cp1", connected=True, since_s=1.0)
        await self.rows.report(start, [Report("cp1", start, epoch, live, self._seq, lanes)])
        await self.mirror.read()

    def newest(self, lane: str) -> int:
        """Return what was counted of cp1 in the stretch that runs."""
        counts = self.counts.of("cp1").lanes.get(lane)
        return counts[-1] if counts else 0


async def test_what_passes_at_other_nodes_is_counted_as_they_report_it_over_moves_and_restarts() -> None:
    fleet = Fleet()
    own, a = await fleet.start("own"), await fleet.start("a")
    await fleet.tell(a, up=5000, down=5000, partner=9000)
    fleet.counts.follow(fleet.mirror, own)
    assert fleet.counts.of("cp1").lanes == {}  # nobody knows when it passed
    await fleet.tell(a, up=5003, down=5002, partner=9004)
    assert (fleet.newest(UP), fleet.newest(DOWN), fleet.newest("partner")) == (3, 2, 4)
    b = await fleet.start("b")
    await fleet.tell(b)  # has just taken it
    await fleet.tell(b, up=2, down=1)
    await fleet.tell(a)
    await fleet.tell(a, up=5004, down=5002)  # and back: the leg to partner is gone
    await fleet.tell(a, up=5004, down=5002, partner=1)
    assert (fleet.newest(UP), fleet.newest(DOWN), fleet.newest("partner")) == (6, 3, 5)
    fleet.clock.advance(BIN_S)
    again = await fleet.start("a")
    await fleet.tell(again, up=7)  # of a new process, all of it
    await fleet.tell(own, up=100)  # is read from the process itself
    assert fleet.counts.of("cp1").lanes[UP][-2:] == (6, 7)
    assert fleet.counts.of_all().lanes[UP][-2:] == (6, 7)
    assert set(fleet.counts._chargers["cp1"].read) == {str(again), str(b)}


async def test_a_session_that_has_ended_is_not_kept_for_its_counts() -> None:
    depot, counts = await depot_of("cp1")
    await depot.connect("cp1")
    await counts.read(1)
    slot = depot.node.slot("cp1")
    assert slot is not None
    session = id(slot.session)
    await depot.leave("cp1")
    gc.collect()
    assert not [thing for thing in gc.get_objects() if id(thing) == session and isinstance(thing, StationSession)]


async def test_every_session_is_read_at_the_end_of_a_stretch_and_those_withdrawn_are_forgotten() -> None:
    names = ["cp1", "cp2"]
    depot, _ = await depot_of(*names)
    counts = MessageCounts(depot.node, lambda: list(names), depot.clock)
    for name in names:
        await depot.connect(name)
    number = int(depot.clock.now().timestamp()) // BIN_S
    await counts.read(number - 1)
    assert counts.of("cp2").lanes[UP][-2:] == (1, 0)
    names.remove("cp2")
    await counts.read(number)
    assert set(counts._chargers) == {"cp1"}


async def test_a_large_fleet_is_read_in_pieces() -> None:
    depot, _ = await depot_of("cp1")
    counts = MessageCounts(depot.node, lambda: ["cp1"] * 2500, depot.clock)
    reading = asyncio.ensure_future(counts.read(1))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 10


async def test_it_reads_by_itself_for_the_stretch_that_has_just_ended() -> None:
    depot, _ = await depot_of("cp1")
    read: asyncio.Queue[int] = asyncio.Queue()

    class Watched(MessageCounts):
        async def read(self, number: int) -> None:
            read.put_nowait(number)

    number = int(depot.clock.now().timestamp()) // BIN_S
    depot.clock.advance(BIN_S - depot.clock.now().timestamp() % BIN_S - 0.01)  # just before it ends
    background = Background(lambda what, error: None)
    background.start(Watched(depot.node, list, depot.clock).run(), name="message counts")
    async with asyncio.timeout(5):
        assert await read.get() == number - 1  # the test's clock stands still, and so it is still the same stretch
    await background.stop()
