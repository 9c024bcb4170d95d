"""The reconciler on real stores: what is applied survives, and stays what it was."""

from typing import cast

import pytest

from reconciler.adapters.store import SqlStore
from reconciler.app.ports import HistoryFilter, Store
from reconciler.app.toggling import ToggleRequest
from reconciler.errors import StalePlan
from reconciler.model.documents import Document
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site, backend

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}


def world_on(store: Store) -> World:
    """Return a world on this store, with one station connected."""
    relay = FakeRelay()
    relay.connect("cp000")
    return World(cast(MemoryStore, store), relay)


async def test_applied_specs_survive_a_restart_and_plan_to_nothing(store: Store) -> None:
    await world_on(store).apply(a_site(3, FOLLOWS))
    world = world_on(store)
    await world.reconciler.start()
    assert world.relay.owners("cp000") == {"grid"}
    assert (await world.plan(a_site(3, FOLLOWS), prune=True)).is_empty
    dumped = [Document(content) for content in await world.reconciler.dump()]
    assert (await world.plan(dumped, prune=True)).is_empty


async def test_an_override_survives_a_restart_and_ends_in_time(store: Store) -> None:
    world = world_on(store)
    await world.apply(a_site(1, LEADS))
    await world.reconciler.toggle(ToggleRequest(["cp000"], "local", "visit", "bob", for_s=60))
    successor = world_on(store)
    await successor.reconciler.start()
    assert successor.relay.owners("cp000") == {"local"}
    successor.clock.advance(60)
    await successor.reconciler.controller.tick(successor.clock.now())
    assert successor.relay.owners("cp000") == {"partner"}
    newest, *_ = await successor.reconciler.history(HistoryFilter(charger="cp000"))
    assert (newest.kind, newest.actor) == ("flip", "controller")


async def test_two_servers_on_one_store_cannot_apply_over_each_other(store: Store) -> None:
    here, there = world_on(store), world_on(store)
    await here.apply(a_site(1, LEADS))
    plan = await there.plan(a_site(1, FOLLOWS))
    await here.apply([backend("grid", "ws://127.0.0.1:1/moved")])
    with pytest.raises(StalePlan, match=r"backend\.grid was changed since"):
        await there.apply_plan(plan)
    assert (await there.apply(a_site(1, FOLLOWS))).revision == 3


async def test_a_server_that_has_not_looked_for_long_reads_everything_where_what_went_is_forgotten(
    store: SqlStore,
) -> None:
    here, there = world_on(store), world_on(store)
    await here.apply(a_site(3, LEADS))
    assert "cp002" in [document["metadata"]["name"] for document in await there.reconciler.dump()]
    await here.apply(a_site(2, LEADS), prune=True)
    for roles in (FOLLOWS, LEADS, FOLLOWS):
        await here.apply(a_site(2, roles))
    await store.retain_revisions(here.clock.now(), 2)
    assert await store.forget_versions(100) > 0
    names = [document["metadata"]["name"] for document in await there.reconciler.dump()]
    assert [name for name in names if name.startswith("cp")] == ["cp000", "cp001"]
    assert (await there.plan(a_site(2, FOLLOWS), prune=True)).is_empty
