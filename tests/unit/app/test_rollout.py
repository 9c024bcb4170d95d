"""Rollout: canaries first, never more failures than may be, a stop that is heard, and a journal that knows."""

import asyncio
from collections import Counter
from collections.abc import Collection
from datetime import datetime

import pytest

from reconciler.app.applying import ApplyProgress, ApplyRequest, ApplyResult
from reconciler.app.in_hand import LOOK_EVERY_S
from reconciler.app.rollout import StopRequest
from reconciler.model.rollouts import Pause, RolloutState
from reconciler.planning.guard import Limits, Share
from reconciler.planning.pacing import Pace
from reconciler.planning.scope import Scope
from tests.support.specs import World, a_site

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}
NAMES = [f"cp{number:03}" for number in range(6)]
ANY = Limits(max_disruption=Share(100, percent=True))


async def world_of(*connected: str) -> World:
    """Return a depot of six, applied, with these connected."""
    world = World(node="n1")
    await world.apply(a_site(6, LEADS))
    world.relay.connect(*(connected or NAMES))
    await world.reconciler.controller.tick(world.clock.now())
    return world


async def flipped(world: World, pace: Pace, stop: StopRequest | None = None) -> tuple[ApplyResult, list[ApplyProgress]]:
    """Give everything to grid at this pace."""
    heard: list[ApplyProgress] = []
    plan = await world.plan(a_site(6, FOLLOWS), ANY)
    request = ApplyRequest(plan, "ann", limits=ANY, pace=pace, id="a1")
    return await world.reconciler.apply(request, heard.append, stop), heard


def owners(world: World) -> str:
    """Return who owns, a letter a charger."""
    return "".join(next(iter(world.relay.owners(name)))[0] for name in NAMES)


async def test_the_canary_goes_first_and_is_confirmed_before_the_rest() -> None:
    world = await world_of()
    world.relay.asked.clear()
    result, heard = await flipped(world, Pace(canary=Share.parse("30%")))
    assert {name for name, _ in world.relay.asked[:2]} == {"cp000", "cp003"}
    assert [(step.step, step.done) for step in heard if step.step != "charger"] == [
        ("locked", 0),
        ("committed", 0),
        ("canary", 2),
        ("done", 6),
    ]
    assert (result.exit_code, owners(world)) == (0, "gggggg")


async def test_a_canary_that_is_refused_stops_the_apply_and_the_rest_stays_as_it_was() -> None:
    world = await world_of()
    world.relay.refuse("cp000", "grid rejects the boot")
    result, heard = await flipped(world, Pace(canary=Share(1)))
    assert result.stopped == "the canary is not confirmed: cp000: grid rejects the boot"
    assert (result.exit_code, heard[-1].step) == (7, "stopped")
    assert result.counts == {"failed": 1, "skipped": 5}
    await world.reconciler.controller.tick(world.clock.now())  # nor does the loop touch them
    assert owners(world) == "pppppp"
    held = {pending.charger: pending.reason for pending in (await world.plan(a_site(6, FOLLOWS))).pending}
    assert held["cp001"] == "apply a1 has not come to it; where that was stopped: fwdctl apply --resume a1"
    assert held["cp000"] == "grid rejects the boot"


async def test_a_stopped_apply_goes_on_when_it_is_resumed() -> None:
    world = await world_of()
    world.relay.refuse("cp000", "grid rejects the boot")
    await flipped(world, Pace(canary=Share(1)))
    world.relay.accept("cp000")
    world.clock.advance(60)
    await world.reconciler.controller.tick(world.clock.now())  # the loop goes on trying what was asked
    rollout = await world.reconciler.rollout("a1")
    assert rollout is not None
    assert rollout.state is RolloutState.STOPPED
    result = await world.reconciler.resume(rollout)
    assert owners(world) == "gggggg"
    assert (result.stopped, result.revision) == ("", 2)


async def test_a_stopped_apply_is_taken_back_by_a_plan_that_touches_only_what_was_flipped() -> None:
    world = await world_of()
    stop = StopRequest()

    def heard(progress: ApplyProgress) -> None:
        stop.by = "ann" if progress.step == "committed" else stop.by

    request = ApplyRequest(await world.plan(a_site(6, FOLLOWS), ANY), "ann", limits=ANY, pace=Pace(canary=Share(1)))
    assert (await world.reconciler.apply(request, heard, stop)).stopped == "ann asked to stop"
    plan = await world.reconciler.plan_back_to(1, Scope(), ANY)
    assert plan.summary.flip == 0
    await world.apply_plan(plan)
    await world.reconciler.controller.tick(world.clock.now())
    assert owners(world) == "pppppp"
    assert (await world.store.interventions(world.clock.now())).holds == ()
    assert (await world.plan(a_site(6, LEADS))).pending == ()


async def test_a_canary_that_is_not_back_within_its_time_is_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.app.rollout.LOOK_AGAIN_S", 0)
    world = await world_of()
    applying, gate = await held_up(world, Pace(canary=Share(1)))
    world.relay.disconnect("cp000")
    gate.set()
    while not applying.done():
        world.clock.advance(10)
        await asyncio.sleep(0)
    stopped = "the canary is not confirmed: cp000: at its next connection"
    assert applying.result().stopped == stopped


@pytest.mark.parametrize(("allowed", "asked"), [(0, 1), (1, 2), (None, 6)])
async def test_more_failures_than_may_be_stop_it(allowed: int | None, asked: int) -> None:
    world = await world_of()
    for name in NAMES:
        world.relay.refuse(name, "no")
    world.relay.asked.clear()
    result, _ = await flipped(world, Pace(parallelism=1, max_failures=allowed))
    assert len(world.relay.asked) == asked
    assert result.counts.get("failed") == asked
    assert bool(result.stopped) == (allowed is not None)


async def test_somebody_who_asks_to_stop_is_heard_between_two_chargers() -> None:
    world = await world_of()
    stop = StopRequest()

    def follow(progress: ApplyProgress) -> None:
        if progress.step == "charger":
            stop.by = "bob"

    plan = await world.plan(a_site(6, FOLLOWS), ANY)
    request = ApplyRequest(plan, "ann", limits=ANY, pace=Pace(parallelism=1))
    result = await world.reconciler.apply(request, follow, stop)
    assert result.counts == {"applied": 1, "skipped": 5}
    assert result.results[1].reason == "held back: bob asked to stop"
    held = {hold.charger for hold in world.reconciler.controller.interventions.holds}
    assert held == {result.charger for result in result.results[1:]}  # at once: who is told asks for the status next
    assert [world.store.events[-1].summary] == ["stopped, bob asked to stop; 6 chargers asked: 1 applied, 5 skipped"]


async def test_the_loop_leaves_to_the_apply_what_it_has_in_hand() -> None:
    world = await world_of()
    applying, gate = await held_up(world, Pace(parallelism=1))
    assert await world.reconciler.controller.look(world.clock.now()) == ()
    gate.set()
    assert (await applying).counts == {"applied": 6}


async def test_what_waits_for_its_turn_is_not_looked_at_with_all_others_more_than_once_a_minute() -> None:
    world = await world_of()
    applying, gate = await held_up(world, Pace(parallelism=1))
    world.relay.looked_at.clear()
    await world.reconciler.controller.look(world.clock.now())
    assert world.relay.looked_at == []
    world.clock.advance(LOOK_EVERY_S)
    await world.reconciler.controller.look(world.clock.now())
    assert world.relay.looked_at == [6]
    gate.set()
    await applying
    world.relay.looked_at.clear()
    await world.reconciler.controller.look(world.clock.now())
    assert world.relay.looked_at == [6]


async def test_what_is_released_is_wanted_as_if_all_were_worked_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.app.rollout.CHUNK", 2)
    world = await world_of()
    controller, seen = world.reconciler.controller, []
    released = controller.release

    async def release(chargers: Collection[str], now: datetime) -> None:
        await released(chargers, now)
        wanted = controller.desired
        await controller.rethink(now)
        seen.append(
            ({name: one.owners["transactions"][0] for name, one in wanted.items()}, controller.desired == wanted)
        )

    monkeypatch.setattr(controller, "release", release)
    await flipped(world, Pace(parallelism=1))
    assert ["".join(wanted.values()) for wanted, _ in seen] == ["ggpppp", "ggggpp", "gggggg"]
    assert all(same for _, same in seen)


async def test_flips_that_wait_for_nothing_let_the_event_loop_go_on_after_as_many_as_run_at_once() -> None:
    world = await world_of()
    world.relay.at_once = True
    turns, flips = 0, Counter[int]()

    def heard(progress: ApplyProgress) -> None:
        if progress.step == "charger":
            flips[turns] += 1

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    request = ApplyRequest(await world.plan(a_site(6, FOLLOWS), ANY), "ann", limits=ANY, pace=Pace(parallelism=2))
    beside = asyncio.ensure_future(others())
    await world.reconciler.apply(request, heard)
    beside.cancel()
    assert (sum(flips.values()), max(flips.values())) == (6, 2)


async def test_a_lock_that_was_broken_stops_the_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.app.lease.RENEW_EVERY_S", 0)
    world = await world_of()
    applying, gate = await held_up(world, Pace(parallelism=1))
    assert await world.reconciler.break_lock() is not None
    for _ in range(10):
        await asyncio.sleep(0)
    gate.set()
    result = await applying
    assert (result.stopped, result.counts) == ("the apply lock was broken or taken over", {"applied": 1, "skipped": 5})


async def test_a_charger_that_is_paused_when_its_turn_comes_waits_until_it_is_resumed() -> None:
    world = await world_of()
    applying, gate = await held_up(world, Pace(parallelism=1, canary=Share(1)))
    await world.store.put_pauses([Pause("cp004", world.clock.now(), None, "works", "bob")])
    await world.reconciler.controller.look(world.clock.now())
    gate.set()
    result = await applying
    assert result.results[4].reason == "refused until it is resumed (paused by bob (works))"
    assert (result.counts, result.exit_code) == ({"applied": 5, "deferred": 1}, 0)
    await world.reconciler.controller.tick(world.clock.now())
    assert owners(world) == "ggggpg"
    await world.store.end_pauses(["cp004"], world.clock.now())
    await world.reconciler.controller.tick(world.clock.now())
    assert owners(world) == "gggggg"


async def held_up(world: World, pace: Pace) -> "tuple[asyncio.Task[ApplyResult], asyncio.Event]":
    """Begin to give everything to grid, and return the apply once cp000 is asked, and what lets cp000 answer."""
    gate = world.relay.hold("cp000")
    world.relay.asked.clear()
    request = ApplyRequest(await world.plan(a_site(6, FOLLOWS), ANY), "ann", limits=ANY, pace=pace, id="a1")
    applying = asyncio.get_running_loop().create_task(world.reconciler.apply(request))
    await world.until(lambda: bool(world.relay.asked))
    return applying, gate
