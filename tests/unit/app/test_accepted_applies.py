"""Accepted applies: every server answers for them, and nobody waits for one whose server died."""

from reconciler.app.applying import ApplyRequest
from reconciler.errors import LockHeld
from reconciler.model.rollouts import RolloutState
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site


async def accepted(world: World, id: str = "a1") -> None:
    """Accept an apply of a depot."""
    await world.reconciler.accept(ApplyRequest(await world.plan(a_site()), "ann", id=id))


async def state_of(world: World, id: str = "a1") -> tuple[RolloutState, object]:
    """Return how an apply is in the journal, and why it did not begin."""
    found = await world.reconciler.rollout(id)
    assert found is not None
    return found.state, found.outcome.get("refused")


async def test_an_apply_that_begins_was_accepted_before() -> None:
    world = World(node="n1")
    await accepted(world)
    assert await state_of(world) == (RolloutState.ACCEPTED, None)
    assert await world.reconciler.orphans() == ()
    await world.apply_plan(await world.plan(a_site()), id="a1")
    await world.reconciler.refuse("a1", LockHeld("too late"))
    assert await state_of(world) == (RolloutState.DONE, None)


async def test_one_that_changes_nothing_is_over_at_once() -> None:
    world = World(node="n1")
    await world.apply(a_site())
    await accepted(world)
    found = await world.reconciler.rollout("a1")
    assert found is not None
    assert (found.state, found.revision) == (RolloutState.DONE, 1)


async def test_a_server_that_starts_ends_what_it_had_accepted_before_and_nothing_of_others() -> None:
    store = MemoryStore()
    await accepted(World(store, node="n1"))
    await accepted(World(store, node="n2"), "a2")
    world = World(store, node="n1")
    await world.reconciler.start()
    died = "not applied: its server died before anything was changed"
    assert await state_of(world) == (RolloutState.REFUSED, died)
    assert (await state_of(world, "a2"))[0] is RolloutState.ACCEPTED
    await world.reconciler.accepted.interrupt_others({"n2"})
    assert (await state_of(world, "a2"))[0] is RolloutState.ACCEPTED
    await world.reconciler.accepted.interrupt_others({"n1"})
    assert await state_of(world, "a2") == (RolloutState.REFUSED, died)
