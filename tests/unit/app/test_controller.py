"""Controller: makes the relay run what is applied, keeps it so, and gets out of the way of technicians."""

import asyncio
import time
from datetime import datetime, timedelta

import pytest

from reconciler.app.controller import GATHER_S, TICK_S
from reconciler.app.courses import BACK_OFF_FIRST_S, SETTLE_S, Verdict
from reconciler.app.duty import LEASE_S, LeasedDuty
from reconciler.model.documents import Document
from reconciler.model.overrides import Override
from reconciler.planning.guard import Limits, Share
from reconciler.planning.pacing import Pace
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site, document

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}


async def world_of(chargers: int = 2, *connected: str) -> World:
    """Return a world in which a depot is applied and some stations are connected."""
    world = World()
    await world.apply(a_site(chargers, LEADS))
    world.relay.connect(*connected)
    await tick(world)
    world.relay.asked.clear()
    return world


async def tick(world: World, after_s: float = 0.0) -> dict[str, Verdict]:
    world.clock.advance(after_s)
    return {found.charger: found.verdict for found in await world.reconciler.controller.tick(world.clock.now())}


async def test_on_start_every_charger_is_told_what_to_run_offline_ones_too() -> None:
    before = await world_of(3, "cp000")
    world = World(before.store, FakeRelay())
    world.relay.connect("cp001")
    await world.reconciler.start()
    assert sorted(name for name, _ in world.relay.asked) == ["cp000", "cp001", "cp002"]
    assert world.relay.owners("cp001") == {"partner"}
    world.relay.connect("cp002")
    assert world.relay.owners("cp002") == {"partner"}


async def test_a_tick_with_nothing_new_asks_nothing() -> None:
    world = await world_of(2, "cp000")
    assert await tick(world, after_s=3600) == {}
    assert world.relay.asked == []


@pytest.mark.slow
async def test_a_tick_of_thousands_of_unchanged_chargers_is_cheap() -> None:
    world = await world_of(3000, *(f"cp{number:03}" for number in range(3000)))
    begun = time.process_time()
    assert await tick(world, after_s=60) == {}
    assert time.process_time() - begun < 0.5  # some 15 ms: equality only, nothing is resolved or planned again
    assert world.relay.asked == []


async def test_generations_only_ever_grow() -> None:
    world = await world_of(1, "cp000")
    for roles in (FOLLOWS, LEADS, FOLLOWS):
        await world.apply(a_site(1, roles))
    generations = [generation for _, generation in world.relay.asked]
    assert generations == sorted(set(generations))
    restarted = World(world.store, world.relay)
    world.relay.asked.clear()
    await restarted.reconciler.start()
    assert world.relay.asked == [("cp000", generations[-1] + 1)]


async def test_a_refused_charger_is_asked_again_with_growing_patience() -> None:
    world = await world_of(1, "cp000")
    world.relay.refuse("cp000", "grid rejects it")
    result = await world.apply(a_site(1, FOLLOWS))
    assert result.results[0].reason == "grid rejects it"
    assert await tick(world, after_s=BACK_OFF_FIRST_S - 0.1) == {}
    assert await tick(world, after_s=0.1) == {"cp000": Verdict.FAILED}
    assert await tick(world, after_s=BACK_OFF_FIRST_S) == {}
    assert await tick(world, after_s=BACK_OFF_FIRST_S) == {"cp000": Verdict.FAILED}
    world.relay.accept("cp000")
    assert await tick(world, after_s=60) == {"cp000": Verdict.APPLIED}
    assert world.relay.owners("cp000") == {"grid"}


async def test_a_refusal_is_written_down_once_for_each_reason() -> None:
    world = await world_of(1, "cp000")
    world.relay.refuse("cp000", "grid rejects it")
    await world.apply(a_site(1, FOLLOWS))
    await tick(world, after_s=60)
    world.relay.refuse("cp000", "grid is away")
    await tick(world, after_s=60)
    refused = [event.summary for event in world.store.events if event.kind == "flip-refused"]
    assert refused == ["grid rejects it", "grid is away"]


async def test_a_new_wish_does_not_wait_for_the_back_off_of_the_old_one() -> None:
    world = await world_of(1, "cp000")
    world.relay.refuse("cp000", "grid rejects it")
    await world.apply(a_site(1, FOLLOWS))
    world.relay.accept("cp000")
    result = await world.apply(a_site(1, {"grid": "standby", "partner": "primary"}))
    assert result.counts == {"applied": 1}


async def test_drift_is_healed_and_written_down() -> None:
    world = await world_of(1, "cp000")
    world.relay.tamper("cp000", "grid")
    assert await tick(world, after_s=SETTLE_S) == {"cp000": Verdict.APPLIED}
    assert world.relay.owners("cp000") == {"partner"}
    healed = world.store.events[-1]
    assert (healed.kind, healed.actor, healed.charger) == ("drift-healed", "controller", "cp000")
    assert healed.summary.startswith("grid owns")


async def test_drift_that_comes_back_is_healed_less_and_less_often() -> None:
    world = await world_of(1, "cp000")
    for _ in range(600):
        world.relay.tamper("cp000", "grid")
        await tick(world, after_s=1)
    assert 600 / 60 <= world.kinds().count("drift-healed") <= 600 / 60 + 5


async def test_a_charger_that_was_offline_runs_the_change_once_connected_and_history_says_why() -> None:
    world = await world_of(1, "cp000")
    world.relay.disconnect("cp000")
    await world.apply(a_site(1, FOLLOWS))
    world.relay.connect("cp000")
    await world.reconciler.status()  # who merely looks must not take the news away from the loop
    assert await tick(world, after_s=60) == {}
    assert world.relay.owners("cp000") == {"grid"}
    flip = world.store.events[-1]
    assert (flip.kind, flip.actor, flip.revision) == ("flip", "ann", 2)


async def test_a_charger_that_was_refused_and_left_gets_the_change_at_its_next_connection() -> None:
    world = await world_of(1, "cp000")
    world.relay.refuse("cp000", "grid rejects it")
    await world.apply(a_site(1, FOLLOWS))
    world.relay.disconnect("cp000")
    assert await tick(world, after_s=60) == {"cp000": Verdict.DEFERRED}


async def test_an_override_is_part_of_what_is_wanted_and_is_never_fought() -> None:
    world = await world_of(1, "cp000")
    now = world.clock.now()
    await world.store.put_override(Override("o1", "cp000", FOLLOWS, now, now + timedelta(minutes=5), "visit", "bob"))
    assert await tick(world) == {"cp000": Verdict.APPLIED}
    assert world.relay.owners("cp000") == {"grid"}
    for _ in range(4):
        assert await tick(world, after_s=60) == {}
    assert await tick(world, after_s=60) == {"cp000": Verdict.APPLIED}
    assert world.relay.owners("cp000") == {"partner"}
    ended, flip = world.store.events[-2:]
    assert (ended.kind, flip.kind) == ("toggle-ended", "flip")
    assert flip.reason == "the toggle by bob ran out (visit)"


async def test_an_override_read_just_before_it_was_ended_has_not_run_out() -> None:
    world = await world_of(1, "cp000")
    now = world.clock.now()
    await world.store.put_override(Override("o1", "cp000", FOLLOWS, now, None, "visit", "bob"))
    await world.store.end_override("cp000", now + timedelta(seconds=1))
    await tick(world)  # as of an instant at which it still was in force
    assert world.relay.owners("cp000") == {"grid"}
    await tick(world, after_s=5)
    assert world.relay.owners("cp000") == {"partner"}
    assert "toggle-ended" not in world.kinds()


async def test_an_override_that_ran_out_while_no_node_was_up_is_told_by_the_next_one() -> None:
    before = await world_of(1, "cp000")
    now = before.clock.now()
    await before.store.put_override(Override("o1", "cp000", FOLLOWS, now, now + timedelta(seconds=5), "visit", "bob"))
    await tick(before)
    before.clock.advance(60)
    after = World(before.store, before.relay, before.clock)
    await after.reconciler.start()
    await tick(after)
    assert after.kinds().count("toggle-ended") == 1


async def test_a_relay_that_fails_is_reported_and_asked_again() -> None:
    world = await world_of(2, "cp000", "cp001")
    world.relay.break_down("cp000")
    result = await world.apply(a_site(2, FOLLOWS))
    assert result.counts == {"applied": 1, "failed": 1}
    assert [what for what, _ in world.trouble] == ["cp000"]
    world.relay.accept("cp000")
    assert await tick(world, after_s=60) == {"cp000": Verdict.APPLIED}


async def test_a_charger_that_is_no_longer_declared_is_let_go_and_forgotten() -> None:
    world = await world_of(2, "cp000", "cp001")
    await world.apply(a_site(1, LEADS), prune=True)
    assert sorted(world.relay.live()) == ["cp000"]
    assert await tick(world, after_s=60) == {}


async def test_a_charger_that_the_relay_runs_and_nobody_declares_is_let_go() -> None:
    world = await world_of(2, "cp000", "cp001")
    await world.apply(a_site(1, LEADS), prune=True)
    stray = World(world.store, (await world_of(2, "cp001")).relay)
    await stray.reconciler.start()
    assert sorted(stray.relay.live()) == ["cp000"]


async def test_never_more_questions_are_open_than_asked_for() -> None:
    world = await world_of(30, *(f"cp{number:03}" for number in range(30)))
    world.relay.running_max = 0
    await world.apply_plan(
        await world.plan(a_site(30, FOLLOWS)),
        pace=Pace(parallelism=4),
        limits=Limits(max_disruption=Share(100, percent=True)),
    )
    assert world.relay.running_max == 4


async def test_one_slow_charger_does_not_keep_the_loop_from_the_others() -> None:
    world = await world_of(2, "cp000", "cp001")
    gate, now = world.relay.hold("cp000"), world.clock.now()
    for name in ("cp000", "cp001"):
        await world.store.put_override(Override(name, name, FOLLOWS, now, None, "visit", "bob"))
    async with world.looping():
        await world.until(lambda: world.relay.owners("cp001") == {"grid"})
        assert world.relay.owners("cp000") == {"partner"}
        await world.store.end_override("cp001", now)
        world.reconciler.wake()
        await world.until(lambda: world.relay.owners("cp001") == {"partner"})
        gate.set()
        await world.until(lambda: world.relay.owners("cp000") == {"grid"})
    assert world.trouble == []


async def test_the_loop_survives_a_store_that_is_away() -> None:
    world = await world_of(1, "cp000")
    world.store.away = True
    world.relay.tamper("cp000", "grid")
    async with world.looping():
        await world.until(lambda: len(world.trouble) == 1)
        await asyncio.sleep(2 * GATHER_S)
        assert len(world.trouble) == 1  # it waits for the next tick
        world.store.away = False
        world.clock.advance(TICK_S)
        world.reconciler.wake()
        await world.until(lambda: world.relay.owners("cp000") == {"partner"})


async def test_history_that_could_not_be_written_is_written_later() -> None:
    world = await world_of(1, "cp000")
    world.relay.tamper("cp000", "grid")
    world.clock.advance(SETTLE_S)
    due = await world.reconciler.controller.look(world.clock.now())
    world.store.away = True
    with pytest.raises(OSError, match="away"):
        await world.reconciler.controller.reach(due)
    world.store.away = False
    await tick(world)
    assert world.kinds()[-1] == "drift-healed"


async def test_a_look_that_began_before_a_commit_cannot_bring_back_what_was_applied_then() -> None:
    class Slow(MemoryStore):
        asked, answer = asyncio.Event(), asyncio.Event()
        slow = False

        async def overrides(self, at: datetime) -> tuple[Override, ...]:
            if self.slow:
                self.slow = False
                self.asked.set()
                await self.answer.wait()
            return await super().overrides(at)

    store = Slow()
    world = World(store)
    await world.apply(a_site(1, LEADS))
    world.relay.connect("cp000")
    plan = await world.plan(a_site(1, FOLLOWS))
    store.slow = True
    early = asyncio.get_running_loop().create_task(world.reconciler.controller.look(world.clock.now()))
    await store.asked.wait()
    apply = asyncio.get_running_loop().create_task(world.apply_plan(plan))
    await asyncio.wait([apply], timeout=0.2)
    store.answer.set()
    await asyncio.gather(early, apply)
    assert set(world.reconciler.controller.desired["cp000"].owners.values()) == {"grid"}
    assert world.relay.owners("cp000") == {"grid"}


def nights() -> Document:
    """Return a window that lets changes in at night only; it is 02:00 UTC when tests begin."""
    window = {"cron": "0 3 * * *", "duration": "1h", "timeZone": "UTC"}
    return document("ChangeWindow", "nights", action="allow", chargers={"labels": {"site": "a"}}, window=window)


async def test_a_declared_change_that_was_refused_waits_for_its_window_and_status_says_so() -> None:
    world = await world_of(1, "cp000")
    await world.apply([*a_site(1, LEADS), nights()])
    world.clock.advance(3600)
    world.relay.refuse("cp000", "grid rejects it")
    await world.apply(a_site(1, FOLLOWS))
    world.clock.advance(3600)
    world.relay.accept("cp000")
    assert await tick(world, after_s=60) == {}
    (standing,) = world.reconciler.controller.standings()
    assert standing.differences == (
        "waits for its change window: change-window.nights is closed, until 2026-12-02 03:00 UTC",
    )
    (result,) = await world.reconciler.controller.reach(["cp000"])
    assert (result.verdict, result.reason) == (Verdict.DEFERRED, standing.differences[0])
    assert await tick(world, after_s=23 * 3600) == {"cp000": Verdict.APPLIED}
    assert world.relay.owners("cp000") == {"grid"}


async def test_one_that_was_let_in_against_the_windows_does_not_wait_for_them() -> None:
    world = await world_of(1, "cp000")
    await world.apply([*a_site(1, LEADS), nights()])
    world.relay.refuse("cp000", "grid rejects it")
    limits = Limits(override_window=True)
    await world.apply_plan(await world.plan(a_site(1, FOLLOWS), limits), limits=limits, reason="fire")
    world.relay.accept("cp000")
    assert await tick(world, after_s=60) == {"cp000": Verdict.APPLIED}


async def test_a_toggle_and_its_end_ask_no_window() -> None:
    world = await world_of(1, "cp000")
    await world.apply([*a_site(1, LEADS), nights()])
    now = world.clock.now()
    await world.store.put_override(Override("o1", "cp000", FOLLOWS, now, now + timedelta(minutes=5), "visit", "bob"))
    assert await tick(world) == {"cp000": Verdict.APPLIED}
    assert await tick(world, after_s=300) == {"cp000": Verdict.APPLIED}
    assert world.relay.owners("cp000") == {"partner"}


async def test_a_charger_that_connects_costs_a_glance_at_it_and_no_look_at_all() -> None:
    names = [f"cp{number:03}" for number in range(300)]
    world = await world_of(300, *names[:-1])
    world.clock.advance(60)
    world.relay.looked_at.clear()
    async with world.looping():
        await world.until(lambda: sum(world.relay.looked_at) == len(names))
        world.relay.connect(names[-1])
        world.relay.tamper(names[-1], "grid")
        world.reconciler.wake(names[-1])
        await world.until(lambda: world.relay.owners(names[-1]) == {"partner"})
    assert world.relay.looked_at == [200, 100, 1]  # a few at once, so that no frame waits
    assert world.trouble == []


async def test_of_two_nodes_one_acts_and_the_other_takes_over_without_asking_anything_twice() -> None:
    before = await world_of(1, "cp000")
    here, there = (
        World(before.store, before.relay, before.clock, duty=LeasedDuty(before.store, before.clock, "acting", name))
        for name in ("n1/1", "n2/1")
    )
    await here.reconciler.start()
    await there.reconciler.start()
    now = here.clock.now()
    await here.store.put_override(Override("o1", "cp000", FOLLOWS, now, now + timedelta(seconds=5), "visit", "bob"))
    here.relay.asked.clear()
    assert await tick(there) == {}
    assert await tick(here) == {"cp000": Verdict.APPLIED}
    assert len(here.relay.asked) == 1
    assert await tick(there, after_s=5) == {}
    assert "toggle-ended" not in here.kinds()
    here.clock.advance(LEASE_S)
    await there.reconciler.duty.keep()
    assert await tick(here) == {}
    assert await tick(there) == {"cp000": Verdict.APPLIED}
    assert here.relay.owners("cp000") == {"partner"}
