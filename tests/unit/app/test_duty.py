"""Duties: one holder at a time, relieved when silent, fenced by an incarnation that only grows."""

import asyncio

from reconciler.app.duty import KEEP_EVERY_S, LEASE_S, LeasedDuty, SoleDuty, keep_for_ever
from tests.support.clock import FakeClock
from tests.support.memory_store import MemoryStore


def test_a_silent_holder_is_relieved_within_fifteen_seconds() -> None:
    assert LEASE_S + KEEP_EVERY_S < 15


async def test_one_node_holds_it_until_it_was_silent_for_the_length_of_its_lease() -> None:
    store, clock = MemoryStore(), FakeClock()
    here, there = (LeasedDuty(store, clock, "acting", holder) for holder in ("n1/1", "n2/1"))
    assert (await here.keep(), await there.keep()) == (True, False)
    clock.advance(LEASE_S - 1)
    assert (await here.keep(), await there.keep()) == (True, False)
    clock.advance(LEASE_S)
    assert not here.held
    assert (await there.keep(), await here.keep()) == (True, False)
    assert (here.incarnation, there.incarnation) == (1, 2)


async def test_who_lost_the_store_stops_by_itself_before_another_can_begin() -> None:
    store, clock = MemoryStore(), FakeClock()
    duty = LeasedDuty(store, clock, "acting", "n1/1")
    await duty.keep()
    clock.advance(LEASE_S - 0.1)
    assert duty.held
    clock.advance(0.1)
    assert not duty.held


async def test_what_is_given_up_is_free_at_once() -> None:
    store, clock = MemoryStore(), FakeClock()
    here, there = (LeasedDuty(store, clock, "acting", holder) for holder in ("n1/1", "n2/1"))
    await here.keep()
    await there.yield_now()
    assert not await there.keep()
    await here.yield_now()
    assert not here.held
    assert await there.keep()


async def test_a_node_by_itself_is_always_on_duty() -> None:
    assert SoleDuty().held
    assert await SoleDuty().keep()


async def test_whoever_waits_for_it_is_told_when_it_comes_and_trouble_is_reported() -> None:
    store, turned, trouble = MemoryStore(), asyncio.Event(), []
    duty = LeasedDuty(store, FakeClock(), "acting", "n1/1")
    keeping = asyncio.ensure_future(
        keep_for_ever(duty, turned.set, lambda what, error: trouble.append((what, str(error))))
    )
    async with asyncio.timeout(5):
        await turned.wait()
    keeping.cancel()
    assert duty.held
    assert trouble == []

    class Away(MemoryStore):
        async def lead(self, duty: str, holder: str, at: object, lease_s: float) -> int | None:
            raise OSError("the store is away")

    duty = LeasedDuty(Away(), FakeClock(), "acting", "n1/1")
    heard = asyncio.Event()
    keeping = asyncio.ensure_future(keep_for_ever(duty, turned.set, lambda what, error: heard.set()))
    async with asyncio.timeout(5):
        await heard.wait()
    keeping.cancel()
