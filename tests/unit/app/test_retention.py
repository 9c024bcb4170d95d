"""Retention: what is old is forgotten in batches, what is not stays."""

import asyncio
from datetime import timedelta

from reconciler.app.retention import APPLIES_BATCH, BATCH, Retention
from reconciler.model.history import HistoryEvent
from reconciler.model.rollouts import Rollout, RolloutState
from tests.support.clock import FakeClock
from tests.support.memory_store import MemoryStore


async def test_old_events_are_forgotten_however_many_they_are_and_others_stay() -> None:
    clock, store = FakeClock(), MemoryStore()
    await store.record([HistoryEvent(clock.now(), "flip", str(number)) for number in range(BATCH + 1)])
    clock.advance(timedelta(days=10).total_seconds())
    await store.record([HistoryEvent(clock.now(), "apply", "new")])
    retention = Retention(store, clock, timedelta(days=9).total_seconds(), lambda what, error: None)
    assert await retention.forget() == BATCH + 1
    assert [event.summary for event in store.events] == ["new"]
    assert await retention.forget() == 0


async def test_applies_that_are_over_are_forgotten_with_the_events_of_their_time() -> None:
    clock, store = FakeClock(), MemoryStore()
    for number in range(APPLIES_BATCH + 1):
        await store.begin_rollout(Rollout(f"a{number}", "n1", "ann", clock.now()))
        await store.end_rollout(f"a{number}", "ann", RolloutState.REFUSED, {}, clock.now())
    await store.begin_rollout(Rollout("open", "n1", "ann", clock.now()))
    retention = Retention(store, clock, 60, lambda what, error: None)
    assert await retention.forget() == 0
    clock.advance(61)
    assert await retention.forget() == APPLIES_BATCH + 1
    assert await store.rollout("open") is not None


async def test_a_store_that_is_away_is_told_of_and_tried_again() -> None:
    told: list[str] = []

    class Away(MemoryStore):
        async def forget_events(self, *_: object) -> int:
            raise OSError("the store is away")

    retention = Retention(Away(), FakeClock(), 1, lambda what, error: told.append(what))
    running = asyncio.get_running_loop().create_task(retention.run())
    await asyncio.sleep(0)
    assert (told, running.done()) == (["retention"], False)
    running.cancel()
