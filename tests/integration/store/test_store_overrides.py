"""Overrides, on both engines."""

import asyncio
from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.app.ports import Store
from reconciler.model.overrides import Override
from tests.support.store_process import EPOCH


def at(hours: float) -> datetime:
    return EPOCH + timedelta(hours=hours)


def override(name: str, start: float, until: float | None, charger: str = "cp001") -> Override:
    return Override(
        id=name,
        charger=charger,
        roles={"local": "primary", "partner-pay": "passive"},
        start=at(start),
        until=None if until is None else at(until),
        reason="cable swap",
        actor="ann",
    )


async def test_an_override_is_in_force_from_its_start_until_its_end(store: Store) -> None:
    put = override("o1", 0, 2)
    await store.put_override(put)
    assert await store.overrides(at(-0.001)) == ()
    assert await store.overrides(at(0)) == (put,)
    assert await store.overrides(at(1.999)) == (put,)
    assert await store.overrides(at(2)) == ()


async def test_an_open_override_holds_until_it_is_ended(store: Store) -> None:
    put = override("o1", 0, None)
    await store.put_override(put)
    assert await store.overrides(at(1000)) == (put,)
    assert await store.end_override("cp001", at(3)) == replace(put, until=at(3))
    assert await store.overrides(at(3)) == ()
    assert await store.overrides(at(2)) == (replace(put, until=at(3)),)


async def test_a_newer_override_ends_the_one_in_force_at_its_start(store: Store) -> None:
    old, new = override("o1", 0, None), override("o2", 1, 2)
    await store.put_override(old)
    await store.put_override(new)
    assert await store.overrides(at(0.5)) == (replace(old, until=at(1)),)
    assert await store.overrides(at(1)) == (new,)
    assert await store.overrides(at(2)) == ()


async def test_the_later_put_wins_over_one_that_would_start_meanwhile(store: Store) -> None:
    await store.put_override(override("o1", 1, 3))
    new = override("o2", 0, 2)
    await store.put_override(new)
    assert await store.overrides(at(1.5)) == (new,)
    assert await store.overrides(at(2.5)) == ()


async def test_overrides_that_do_not_meet_leave_each_other_alone(store: Store) -> None:
    early, late = override("o1", 0, 1), override("o2", 5, 6)
    await store.put_override(late)
    await store.put_override(early)
    assert await store.overrides(at(0)) == (early,)
    assert await store.overrides(at(5)) == (late,)


async def test_the_same_override_put_again_is_replaced(store: Store) -> None:
    await store.put_override(override("o1", 0, 1))
    longer = override("o1", 0, 4)
    await store.put_override(longer)
    assert await store.overrides(at(2)) == (longer,)


async def test_chargers_have_overrides_of_their_own_listed_by_charger(store: Store) -> None:
    two, one = override("a", 0, None, "cp002"), override("b", 0, None, "cp001")
    await store.put_override(two)
    await store.put_override(one)
    assert await store.overrides(at(0)) == (one, two)
    await store.end_override("cp001", at(1))
    assert await store.overrides(at(1)) == (two,)


async def test_ending_where_nothing_is_in_force_changes_nothing(store: Store) -> None:
    assert await store.end_override("cp001", at(0)) is None
    await store.put_override(override("o1", 0, 1))
    assert await store.end_override("cp001", at(1)) is None
    assert await store.end_override("cp002", at(0)) is None
    assert len(await store.overrides(at(0.5))) == 1


async def test_of_overrides_put_at_the_same_time_one_stays_in_force(store: Store) -> None:
    await asyncio.gather(*(store.put_override(override(f"o{n}", n / 100, None)) for n in range(10)))
    assert len(await store.overrides(at(1))) == 1


async def test_an_override_whose_time_is_up_is_closed_once(store: Store) -> None:
    await store.put_override(override("o1", 0, 2))
    await store.put_override(override("o2", 0, None, "cp002"))
    assert await store.close_overrides(at(1.999)) == ()
    assert await store.close_overrides(at(2)) == (override("o1", 0, 2),)
    assert await store.close_overrides(at(3)) == ()


async def test_an_override_that_somebody_or_a_newer_one_ended_is_closed_by_that(store: Store) -> None:
    await store.put_override(override("o1", 0, 3))
    await store.put_override(override("o2", 1, 3))
    assert await store.close_overrides(at(1)) == ()
    await store.end_override("cp001", at(2))
    assert await store.close_overrides(at(4)) == ()


async def test_an_override_that_was_extended_is_closed_at_its_new_end(store: Store) -> None:
    await store.put_override(override("o1", 0, 1))
    await store.put_override(override("o1", 0, 2))
    assert await store.close_overrides(at(1)) == ()
    assert await store.close_overrides(at(2)) == (override("o1", 0, 2),)
