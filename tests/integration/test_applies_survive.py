"""An apply whose server dies at any step is resumed, and reaches what was wanted, once; on both engines."""

from typing import cast

import pytest
from msgspec.structs import replace

from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.app.apply_order import ApplyRequest
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.lease import LEASE_S
from reconciler.app.ports import HistoryFilter, Store
from reconciler.app.tasks import Background
from reconciler.errors import LockHeld, StalePlan
from reconciler.model.rollouts import WAITING, RolloutState
from reconciler.planning.guard import Limits, Share
from reconciler.planning.pacing import Pace
from tests.support.clock import FakeClock
from tests.support.dying import Died, Life, Moment, mortal_relay, mortal_store
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site

CHARGERS = 2
NAMES = [f"cp{number:03}" for number in range(CHARGERS)]
LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}
ANY = Limits(max_disruption=Share(100, percent=True))
CANARY = Pace(parallelism=1, canary=Share(1))

pytestmark = pytest.mark.slow


def server(store: Store, relay: FakeRelay | None = None, clock: FakeClock | None = None, node: str = "n1") -> World:
    """Return a server on this store; without a relay one whose stations have just come in."""
    if relay is None:
        relay = FakeRelay()
        relay.connect(*NAMES)
    return World(cast(MemoryStore, store), relay, clock, node=node)


async def killed(store: Store, roles: dict[str, str], life: Life, clock: FakeClock | None = None) -> FakeRelay:
    """Apply until life is over, or the apply is; return the relay as it is then."""
    relay = FakeRelay()
    relay.connect(*NAMES)
    world = World(
        cast(MemoryStore, mortal_store(store, life)), cast(FakeRelay, mortal_relay(relay, life)), clock, node="n1"
    )
    try:
        await world.reconciler.start()
        plan = await world.plan(a_site(CHARGERS, roles), ANY)
        await world.reconciler.apply(ApplyRequest(plan, "ann", limits=ANY, pace=CANARY))
    except Died:
        pass
    return relay


async def resumed(world: World) -> None:
    """Start the server and take over what is to be taken over."""
    await world.reconciler.start()
    for rollout in await world.reconciler.orphans():
        result = await world.reconciler.resume(rollout)
        assert (result.exit_code, result.leftover) == (0, ())


async def calls_of_an_apply(store: Store) -> list[str]:
    """Return which calls an undisturbed apply makes of the world."""
    await server(store).apply(a_site(CHARGERS, LEADS))
    life = Life()
    await killed(store, FOLLOWS, life)
    assert not life.over
    await server(store).apply_plan(await server(store).plan(a_site(CHARGERS, LEADS), ANY), limits=ANY)
    return life.calls


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_interrupted_at_every_step_and_resumed_it_reaches_what_was_wanted(store: Store, moment: Moment) -> None:
    wanted, other, clock = FOLLOWS, LEADS, FakeClock()
    for step in range(1, len(await calls_of_an_apply(store)) + 1):
        before = await store.revision()
        life = Life(step, moment)
        await killed(store, wanted, life, clock)
        assert life.over, step
        clock.advance(LEASE_S)
        world = server(store, clock=clock)
        await resumed(world)
        if await store.revision() == before:  # it died before anything was in the journal: nothing was changed
            await world.apply_plan(await world.plan(a_site(CHARGERS, wanted), ANY), limits=ANY)
        owner = {"partner" if wanted is LEADS else "grid"}
        assert [world.relay.owners(name) for name in NAMES] == [owner] * CHARGERS, (step, life.calls)
        assert (await world.plan(a_site(CHARGERS, wanted))).is_empty
        assert await store.revision() == before + 1, (step, life.calls)
        assert await store.open_rollouts() == ()
        assert (await store.interventions(world.clock.now())).holds == ()
        wanted, other = other, wanted


def after_the_lease() -> FakeClock:
    """Return a clock that shows a minute later than a new one."""
    clock = FakeClock()
    clock.advance(60)
    return clock


async def in_mid_apply(store: Store) -> FakeRelay:
    """Kill an apply when its canary is asked; return the relay."""
    await server(store).apply(a_site(CHARGERS, LEADS))
    life = Life()
    await killed(store, FOLLOWS, life)
    canary = [at for at, call in enumerate(life.calls, 1) if call == "set_desired"][CHARGERS]
    await server(store).apply_plan(await server(store).plan(a_site(CHARGERS, LEADS), ANY), limits=ANY)
    return await killed(store, FOLLOWS, Life(canary, "before"))


async def test_the_server_that_starts_again_goes_on_without_waiting_for_the_lock(store: Store) -> None:
    await in_mid_apply(store)
    world = server(store)
    await resumed(world)
    assert all(world.relay.owners(name) == {"grid"} for name in NAMES)


async def test_chargers_whose_turn_had_not_come_run_as_before_until_it_is_resumed(store: Store) -> None:
    await in_mid_apply(store)
    (rollout,) = await store.open_rollouts()
    waiting = {step.charger for step in await store.rollout_steps(rollout.id) if step.state == WAITING}
    assert waiting
    world = server(store)
    await world.reconciler.start()
    for name in NAMES:
        assert world.relay.owners(name) == ({"partner"} if name in waiting else {"grid"})


async def test_another_server_takes_over_once_the_lock_has_run_out(store: Store) -> None:
    relay = await in_mid_apply(store)
    early = server(store, relay, node="n2")
    assert await early.reconciler.orphans() == ()
    with pytest.raises(LockHeld):
        await early.apply_plan(await early.plan(a_site(CHARGERS + 1, FOLLOWS), ANY), limits=ANY)
    (dead,) = await store.open_rollouts()
    late = server(store, relay, after_the_lease(), node="n2")
    await resumed(late)
    assert all(relay.owners(name) == {"grid"} for name in NAMES)
    taken = await store.rollout(dead.id)
    assert taken is not None
    assert (taken.node, taken.holder != dead.holder) == ("n2", True)
    with pytest.raises(LockHeld):  # should the dead one only have been asleep
        await store.journal_steps(dead.id, dead.holder, await store.rollout_steps(dead.id))


@pytest.mark.parametrize("died", ["before its first flip", "after its last"])
async def test_a_flip_that_a_dead_server_has_not_written_is_in_history_once_the_charger_is_back(
    store: Store, died: str
) -> None:
    if died == "after its last":
        end = (await calls_of_an_apply(store)).index("end_rollout") + 1
        await killed(store, FOLLOWS, Life(end, "before"))
    else:
        await in_mid_apply(store)
    world = server(store, FakeRelay())  # the stations are not back yet
    await world.reconciler.start()
    world.relay.connect(*NAMES)  # before anybody goes on with the apply
    await world.reconciler.controller.tick(world.clock.now())
    (rollout,) = await world.reconciler.orphans()
    await world.reconciler.resume(rollout)
    await world.reconciler.controller.tick(world.clock.now())
    assert all(world.relay.owners(name) == {"grid"} for name in NAMES)
    flips = await store.history(HistoryFilter(kind="flip", revision=await store.revision()))
    assert sorted((flip.charger, flip.summary, flip.actor) for flip in flips) == [
        (name, "every feature: partner -> grid", "ann") for name in NAMES
    ]


async def test_nobody_who_lost_an_apply_can_write_its_journal(store: Store) -> None:
    await in_mid_apply(store)
    (rollout,) = await store.open_rollouts()
    steps = await store.rollout_steps(rollout.id)
    assert await store.take_over_rollout(rollout.id, node="n2", holder="bob")
    with pytest.raises(LockHeld, match="taken over by bob"):
        await store.journal_steps(rollout.id, rollout.holder, [replace(step, state="applied") for step in steps])
    assert await store.rollout_steps(rollout.id) == steps
    await store.end_rollout(rollout.id, rollout.holder, RolloutState.DONE, {}, rollout.started_at)
    kept = await store.rollout(rollout.id)
    assert kept is not None
    assert kept.state is RolloutState.OPEN


async def test_an_apply_that_is_over_is_told_by_a_server_that_starts_later(store: Store) -> None:
    earlier = server(store)
    plan = await earlier.plan(a_site(CHARGERS, LEADS), ANY)
    result = await earlier.reconciler.apply(ApplyRequest(plan, "ann", limits=ANY, id="a1"))
    with pytest.raises(StalePlan):
        await earlier.reconciler.apply(ApplyRequest(plan, "ann", limits=ANY, id="a2"))
    runs = ApplyRuns(server(store).reconciler, Background(never), never, PrometheusMetrics(), lambda: "a3")
    told, refused = await runs.look_up("a1"), await runs.look_up("a2")
    assert (told.result, told.exit_code) == (result, 0)
    assert (type(refused.error), refused.exit_code) == (StalePlan, 6)


def never(what: str, error: BaseException) -> None:
    """Nothing is to be reported."""
    raise AssertionError(what) from error


async def test_any_server_answers_for_an_apply_that_waits_for_the_lock_at_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.app.lease.ASK_AGAIN_S", 0.01)
    here, there = server(store), server(store, node="n2")
    background = Background(never)
    runs = ApplyRuns(here.reconciler, background, never, PrometheusMetrics(), lambda: "a1")
    others = ApplyRuns(there.reconciler, background, never, PrometheusMetrics(), lambda: "none")
    await store.acquire_lock("bob", "apply", here.clock.now(), LEASE_S)
    plan = await here.plan(a_site(CHARGERS, LEADS))
    run = await runs.start(ApplyRequest(plan, "ann", limits=ANY, lock_timeout_s=60))
    assert not (await others.look_up(run.id)).done
    await store.release_lock("bob")
    await run.wait_for_news(1_000, 60)
    told = await others.look_up(run.id)
    assert (told.result, told.exit_code, told.elsewhere) == (run.result, 0, True)
    await background.stop()


async def test_a_resumed_apply_is_one_apply_in_history(store: Store) -> None:
    await in_mid_apply(store)
    world = server(store)
    await resumed(world)
    revision = await store.revision()
    events = await world.reconciler.history(HistoryFilter(kind="apply", revision=revision))
    assert [event.summary for event in events] == [
        "2 chargers asked: 2 applied",
        "committed: 0 added, 1 changed, 0 destroyed",
    ]
    assert {event.actor for event in events} == {"ann"}
