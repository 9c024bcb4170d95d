"""Background tasks: kept, heard of, stopped."""

import asyncio
from collections import Counter

import pytest

from reconciler.app.tasks import Background, spread


async def test_a_failure_is_reported_under_its_name_and_the_rest_goes_on() -> None:
    heard: list[tuple[str, BaseException]] = []
    background = Background(lambda what, error: heard.append((what, error)))

    async def fail() -> None:
        raise ValueError("no")

    async def succeed() -> int:
        return 7

    failing, succeeding = background.start(fail(), name="bad"), background.start(succeed(), name="good")
    await asyncio.wait([failing, succeeding])
    assert succeeding.result() == 7
    assert [(what, str(error)) for what, error in heard] == [("bad", "no")]


async def test_stopping_cancels_what_still_runs_and_waits_for_it() -> None:
    heard: list[str] = []
    background = Background(lambda what, error: heard.append(what))
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = background.start(endless(), name="endless")
    await asyncio.sleep(0)
    await background.stop()
    assert task.cancelled()
    assert ended.is_set()
    assert heard == []


async def test_results_come_in_the_order_of_the_items_and_no_more_are_under_way_than_may_be() -> None:
    under_way, most = 0, 0
    gates = [asyncio.Event() for _ in range(6)]

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gates[number].wait()
        under_way -= 1
        return number * 10

    spreading = asyncio.ensure_future(spread(work, range(6), at_once=2))
    for number in (1, 0, 3, 2, 5, 4):  # each ends before the one that began before it
        gates[number].set()
        await asyncio.sleep(0)
    assert await spreading == [0, 10, 20, 30, 40, 50]
    assert most == 2


@pytest.mark.parametrize(("breathe_s", "most"), [(0.0, 3), (60.0, 500)])
async def test_the_event_loop_gets_its_turn_between_thousands_that_wait_for_nothing(
    breathe_s: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.app.tasks.BREATHE_S", breathe_s)
    turns, done = 0, Counter[int]()

    async def work(number: int) -> int:
        done[turns] += 1
        return number

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    assert await spread(work, range(500), at_once=3) == list(range(500))
    beside.cancel()
    assert max(done.values()) == most


async def test_what_one_raises_is_raised() -> None:
    async def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        await spread(work, range(5), at_once=2)


async def test_nothing_is_nothing() -> None:
    assert await spread(asyncio.sleep, [], at_once=5) == []
