"""The apply lock, on both engines."""

import asyncio
from datetime import datetime, timedelta

import pytest

from reconciler.app.ports import Lock, Store
from reconciler.errors import LockHeld
from tests.support.store_process import EPOCH, together


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


async def test_a_lock_is_held_until_its_lease_runs_out(store: Store) -> None:
    assert await store.lock(at(0)) is None
    await store.acquire_lock("ann", "apply of site.yaml", at(0), lease_s=60)
    assert await store.lock(at(59.9)) == Lock("ann", "apply of site.yaml", at(0), at(60))
    assert await store.lock(at(60)) is None


async def test_a_held_lock_is_refused_saying_who_since_when_and_what_to_do(store: Store) -> None:
    await store.acquire_lock("ann", "apply of site.yaml", at(0), lease_s=600)
    with pytest.raises(LockHeld) as refused:
        await store.acquire_lock("bob", "another", at(125), lease_s=60)
    assert refused.value.summary == (
        "ann holds the apply lock since 2026-12-01T02:00:00Z (0:02:05 ago) for apply of site.yaml; "
        "it runs out at 2026-12-01T02:10:00Z"
    )
    assert "fwdctl lock break" in refused.value.hint
    assert await store.lock(at(125)) == Lock("ann", "apply of site.yaml", at(0), at(600))


async def test_two_applies_under_one_name_are_two(store: Store) -> None:
    await store.acquire_lock("ann", "first", at(0), lease_s=60)
    with pytest.raises(LockHeld):
        await store.acquire_lock("ann", "second", at(1), lease_s=60)


async def test_an_expired_lock_is_taken_over(store: Store) -> None:
    await store.acquire_lock("ann", "first", at(0), lease_s=60)
    await store.acquire_lock("bob", "second", at(60), lease_s=30)
    assert await store.lock(at(60)) == Lock("bob", "second", at(60), at(90))
    assert not await store.renew_lock("ann", at(61), lease_s=60)
    await store.release_lock("ann")
    assert await store.lock(at(60)) == Lock("bob", "second", at(60), at(90))


async def test_renewing_extends_the_lease(store: Store) -> None:
    await store.acquire_lock("ann", "apply", at(0), lease_s=60)
    assert await store.renew_lock("ann", at(50), lease_s=60)
    assert await store.lock(at(100)) == Lock("ann", "apply", at(0), at(110))


async def test_a_lease_that_ran_out_is_renewed_where_nobody_wanted_the_lock_meanwhile(store: Store) -> None:
    await store.acquire_lock("ann", "apply", at(0), lease_s=60)
    assert await store.lock(at(300)) is None
    assert not await store.renew_lock("bob", at(300), lease_s=60)
    assert await store.renew_lock("ann", at(300), lease_s=60)
    assert await store.lock(at(301)) == Lock("ann", "apply", at(0), at(360))


@pytest.mark.parametrize("ending", ["taken", "taken and given back", "broken", "broken while it had run out"])
async def test_a_lease_that_ran_out_is_lost_once_somebody_took_or_broke_it(store: Store, ending: str) -> None:
    await store.acquire_lock("ann", "apply", at(0), lease_s=60)
    if ending.startswith("taken"):
        await store.acquire_lock("bob", "apply", at(61), lease_s=60)
        if "back" in ending:
            await store.release_lock("bob")
    else:
        assert await store.break_lock() == Lock("ann", "apply", at(0), at(60))
    before = await store.lock(at(62))
    assert not await store.renew_lock("ann", at(62), lease_s=60)
    assert await store.lock(at(62)) == before


async def test_of_a_renewal_and_another_who_takes_what_ran_out_one_gets_it(store: Store) -> None:
    for race in range(10):
        names = f"ann {race}", f"bob {race}"
        await store.acquire_lock(names[0], "apply", at(0), lease_s=60)
        renewed, taken = await asyncio.gather(
            store.renew_lock(names[0], at(61), lease_s=60),
            store.acquire_lock(names[1], "apply", at(61), lease_s=60),
            return_exceptions=True,
        )
        assert (renewed is True) == isinstance(taken, LockHeld)
        held = await store.lock(at(62))
        assert held is not None
        assert held.holder == names[renewed is not True]
        await store.break_lock()


async def test_a_free_lock_can_not_be_renewed(store: Store) -> None:
    assert not await store.renew_lock("ann", at(0), lease_s=60)


async def test_a_released_lock_is_free(store: Store) -> None:
    await store.acquire_lock("ann", "apply", at(0), lease_s=60)
    await store.release_lock("bob")
    assert await store.lock(at(1)) is not None
    await store.release_lock("ann")
    assert await store.lock(at(1)) is None
    await store.acquire_lock("bob", "apply", at(1), lease_s=60)


async def test_breaking_frees_the_lock_and_says_what_was_held(store: Store) -> None:
    assert await store.break_lock() is None
    await store.acquire_lock("ann", "apply", at(0), lease_s=60)
    assert await store.break_lock() == Lock("ann", "apply", at(0), at(60))
    assert await store.lock(at(1)) is None
    assert not await store.renew_lock("ann", at(1), lease_s=60)


async def test_of_tasks_that_want_the_lock_one_gets_it(store: Store) -> None:
    racing = (store.acquire_lock(f"holder {number}", "a race", at(0), lease_s=60) for number in range(10))
    results = await asyncio.gather(*racing, return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, LockHeld) for result in results) == 9


async def test_of_processes_that_want_the_lock_one_gets_it(store_url: str) -> None:
    assert sorted(together("lock", store_url, "one", "two")) == ["acquired", "held"]
