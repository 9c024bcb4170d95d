"""Reconciler: the use cases in one place; each has its own tests."""

from reconciler.app.ports import HistoryFilter
from tests.support.fake_relay import FakeRelay
from tests.support.specs import World, a_site


async def test_starting_tells_the_relay_all_that_is_applied() -> None:
    before = World()
    await before.apply(a_site(2))
    world = World(before.store, FakeRelay())
    await world.reconciler.start()
    assert sorted(name for name, _ in world.relay.asked) == ["cp000", "cp001"]


async def test_waking_makes_the_loop_look() -> None:
    world = World()
    await world.apply(a_site(1, {"partner": "primary"}))
    world.relay.connect("cp000")
    async with world.looping():
        world.relay.tamper("cp000", "grid")
        world.clock.advance(60)
        world.reconciler.wake()
        await world.until(lambda: world.relay.owners("cp000") == {"partner"})


async def test_history_is_read_newest_first_and_filtered() -> None:
    world = World()
    await world.apply(a_site(1))
    assert [event.kind for event in await world.reconciler.history(HistoryFilter())] == ["apply", "apply"]
    assert await world.reconciler.history(HistoryFilter(kind="flip")) == ()


async def test_a_lock_is_shown_and_broken() -> None:
    world = World()
    await world.store.acquire_lock("bob", "apply", world.clock.now(), 30)
    held = await world.reconciler.lock()
    assert held is not None
    assert held.holder == "bob"
    assert await world.reconciler.break_lock() == held
    assert await world.reconciler.lock() is None
