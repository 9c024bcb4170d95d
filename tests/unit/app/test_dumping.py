"""Dumping: what is applied, as documents that plan to nothing."""

from reconciler.model.documents import Document
from tests.support.specs import World, a_site, role


async def test_a_plan_of_a_dump_is_empty_even_with_prune() -> None:
    world = World()
    await world.apply([*a_site(3), role("energy", "smart-charging")])
    dumped = [Document(content) for content in await world.reconciler.dump()]
    assert (await world.plan(dumped, prune=True)).is_empty


async def test_a_dump_of_one_site_applied_elsewhere_gives_the_same_site() -> None:
    here, there = World(), World()
    await here.apply(a_site(3))
    await there.apply([Document(content) for content in await here.reconciler.dump()])
    assert await there.reconciler.dump() == await here.reconciler.dump()


async def test_what_others_refer_to_comes_first() -> None:
    world = World()
    await world.apply(a_site(1))
    kinds = [content["kind"] for content in await world.reconciler.dump()]
    assert kinds == ["SecurityProfile", "Backend", "Backend", "Charger", "BackendBinding"]


async def test_nothing_applied_dumps_nothing() -> None:
    assert await World().reconciler.dump() == ()
