"""Comebacks: who was connected is waited for when an apply is taken up again, and a flip that leaves it away failed."""

import asyncio

import pytest
from msgspec.structs import replace

from reconciler.app.applying import ApplyProgress, ApplyRequest, ApplyResult
from reconciler.app.comebacks import COME_BACK_S
from reconciler.app.rollout import StopRequest
from reconciler.model.live import LegPhase
from reconciler.model.rollouts import RolloutState
from reconciler.planning.guard import Limits, Share
from reconciler.planning.pacing import Pace
from tests.support.clock import FakeClock
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}
NAMES = [f"cp{number:03}" for number in range(6)]
ANY = Limits(max_disruption=Share(100, percent=True))
CONFIRM_WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.app.comebacks.LOOK_AGAIN_S", 0)


async def interrupted(pace: Pace, *, begun: int = 0) -> MemoryStore:
    """Return the store of a server that died when it gave six connected chargers to grid, `begun` of them asked."""
    world = World(node="n1")
    await world.apply(a_site(6, LEADS))
    world.relay.connect(*NAMES)
    await world.reconciler.controller.tick(world.clock.now())
    stop = StopRequest()

    def committed(progress: ApplyProgress) -> None:
        stop.by = "somebody" if progress.step == "committed" else stop.by

    plan = await world.plan(a_site(6, FOLLOWS), ANY)
    await world.reconciler.apply(ApplyRequest(plan, "ann", limits=ANY, pace=pace, id="a1"), committed, stop)
    stopped = await world.reconciler.rollout("a1")
    assert stopped is not None
    await world.store.take_over_rollout("a1", node="n1", holder=stopped.holder)
    steps = [replace(step, state="asked") for step in await world.store.rollout_steps("a1")]
    await world.store.journal_steps("a1", stopped.holder, steps[:begun])
    return world.store


class TakenUp:
    """A server that starts on the store of the dead one, and takes up its apply; nobody is connected yet."""

    def __init__(self, store: MemoryStore) -> None:
        self.world = World(store, FakeRelay(), FakeClock(), node="n1")
        self.heard: list[ApplyProgress] = []
        self.stop = StopRequest()
        self.applying: asyncio.Task[ApplyResult]

    async def begin(self) -> None:
        """Go on with the apply, up to where it waits for stations."""
        await self.world.reconciler.start()
        (rollout,) = await self.world.reconciler.orphans()
        self.world.relay.asked.clear()
        going_on = self.world.reconciler.resume(rollout, self.heard.append, self.stop)
        self.applying = asyncio.get_running_loop().create_task(going_on)
        for _ in range(100):
            await asyncio.sleep(0)
        assert any(step.step == "returning" for step in self.heard)

    async def end(self, *, each_s: float = 0.0) -> ApplyResult:
        """Return what came of it, while time passes."""
        for _ in range(10_000):
            if self.applying.done():
                return self.applying.result()
            self.world.clock.advance(each_s)
            await asyncio.sleep(0)
        raise AssertionError("it does not come to an end")


async def taken_up(pace: Pace, *, begun: int = 0) -> TakenUp:
    """Return a server that took an interrupted apply up and waits for its stations."""
    server = TakenUp(await interrupted(pace, begun=begun))
    await server.begin()
    return server


async def test_nobody_is_deferred_who_comes_back_in_time() -> None:
    server = await taken_up(Pace())
    server.world.relay.connect(*NAMES[:3])
    server.world.clock.advance(COME_BACK_S / 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not server.world.relay.asked
    server.world.relay.connect(*NAMES[3:])
    result = await server.end()
    assert result.counts == {"applied": 6}
    told = [(step.done, step.total, bool(step.why)) for step in server.heard if step.step == "returning"]
    assert told == [(0, 6, True), (6, 6, False)]


async def test_failures_of_those_that_came_back_stop_it() -> None:
    server = await taken_up(Pace(parallelism=1, max_failures=1))
    server.world.relay.connect(*NAMES)
    for name in NAMES:
        server.world.relay.refuse(name, "grid rejects the boot")
    result = await server.end()
    assert result.counts == {"failed": 2, "skipped": 4}
    assert all(server.world.relay.owners(name) == {"partner"} for name in NAMES)


async def test_who_is_not_back_in_time_is_deferred_where_its_turn_had_not_begun_and_failed_where_it_had() -> None:
    server = await taken_up(Pace(), begun=2)
    server.world.relay.connect(*NAMES[1:5])
    result = await server.end(each_s=10)
    verdicts = {each.charger: each.verdict.value for each in result.results}
    assert verdicts == {"cp000": "failed"} | dict.fromkeys(NAMES[1:5], "applied") | {"cp005": "deferred"}
    assert result.results[0].reason.startswith("it left when it was flipped, and is not back")
    assert result.exit_code == 7


async def test_who_had_begun_and_came_back_to_an_owner_that_does_not_register_it_failed() -> None:
    server = await taken_up(Pace(parallelism=1, max_failures=0), begun=1)
    server.world.relay.lose("grid", LegPhase.REJECTED)
    server.world.relay.connect(*NAMES)
    result = await server.end(each_s=10)
    assert result.results[0].reason == "it runs the new roles, but is not registered at grid: rejected"
    assert result.counts == {"failed": 1, "skipped": 5}


async def test_somebody_who_asks_to_stop_need_not_wait_for_stations() -> None:
    server = await taken_up(Pace())
    server.stop.by = "ann"
    result = await server.end()
    assert (result.stopped, result.counts) == ("ann asked to stop", {"skipped": 6})


async def test_a_stopped_apply_does_not_wait_for_what_has_long_been_away() -> None:
    store = await interrupted(Pace())
    (rollout,) = await store.open_rollouts()
    await store.end_rollout("a1", rollout.holder, RolloutState.STOPPED, {}, rollout.started_at)
    world = World(store, FakeRelay(), FakeClock(), node="n1")
    await world.reconciler.start()
    world.clock.advance(COME_BACK_S)
    stopped = await world.reconciler.rollout("a1")
    assert stopped is not None
    assert (await world.reconciler.resume(stopped)).counts == {"deferred": 6}


async def flipping(*, comes_back: bool) -> ApplyResult:
    """Return what comes of an apply whose new owner has the first charger leave."""
    world = World(node="n1")
    await world.apply(a_site(6, LEADS))
    world.relay.connect(*NAMES)
    await world.reconciler.controller.tick(world.clock.now())
    gate = world.relay.hold("cp000")
    world.relay.asked.clear()
    plan = await world.plan(a_site(6, FOLLOWS), ANY)
    request = ApplyRequest(plan, "ann", limits=ANY, pace=Pace(parallelism=1, max_failures=0))
    applying = asyncio.get_running_loop().create_task(world.reconciler.apply(request))
    await world.until(lambda: bool(world.relay.asked))
    world.relay.disconnect("cp000")
    gate.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not applying.done()
    if comes_back:
        world.relay.connect("cp000")
    else:
        world.clock.advance(CONFIRM_WITHIN_S)
    return await asyncio.wait_for(applying, 10)


async def test_a_charger_that_a_flip_leaves_away_failed_and_counts() -> None:
    result = await flipping(comes_back=False)
    assert result.counts == {"failed": 1, "skipped": 5}
    assert result.stopped == "1 failed, 0 may (--max-failures)"


async def test_a_charger_that_left_when_it_was_flipped_and_is_back_with_its_new_owner_is_applied() -> None:
    assert (await flipping(comes_back=True)).counts == {"applied": 6}
