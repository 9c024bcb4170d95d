"""Waiting is woken by events and says what it waited for."""

import asyncio

import pytest

from reconciler.testing.waiting import Bell


async def test_a_fact_that_is_true_already_is_found_at_once() -> None:
    assert await Bell().until(lambda: "here", timeout_s=0.01) == "here"


async def test_who_waits_is_woken_by_the_bell() -> None:
    bell, seen = Bell(), list[str]()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bell.until(lambda: seen[0] if seen else None, timeout_s=5))
        await asyncio.sleep(0)
        bell.ring()
        await asyncio.sleep(0)
        assert not waiting.done()
        seen.append("it")
        bell.ring()
    assert waiting.result() == "it"


async def test_zero_is_a_find_and_false_is_not() -> None:
    assert await Bell().until(lambda: 0, timeout_s=0.01) == 0
    with pytest.raises(TimeoutError, match=r"waited 0.01 s for the moon"):
        await Bell().until(lambda: False, timeout_s=0.01, describe=lambda: "the moon")
