"""Message counts: rings that turn, counters that begin anew, replaced sessions, and a whole fleet in pieces."""

import asyncio

from reconciler.app.message_counts import BIN_S, CHARGER_BINS, DOWN, UP, MessageCounts, Ring
from reconciler.app.tasks import Background
from tests.support.local_depot import LocalDepot


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
