"""Applying: one commit, then the chargers; everything that can say no says it before the commit."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.app.applying import ApplyProgress, ApplyRequest
from reconciler.app.courses import ChargerResult, Verdict
from reconciler.app.rollout import StopRequest
from reconciler.app.toggling import ToggleRequest
from reconciler.errors import (
    FwdctlError,
    GuardTripped,
    InvalidSpecs,
    LockHeld,
    NotApplied,
    OutsideChangeWindow,
    StalePlan,
)
from reconciler.model.plan import Absent
from reconciler.model.plan_json import from_json, to_json
from reconciler.planning.guard import Limits, Share
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site, backend, charger, document

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}


async def world_of(chargers: int = 2, flip: str = "proceed") -> World:
    """Return a world in which a depot of connected chargers is applied."""
    world = World()
    await world.apply(a_site(chargers, LEADS, flip={"openTransaction": flip}))
    world.relay.connect(*(f"cp{number:03}" for number in range(chargers)))
    await world.reconciler.controller.tick(world.clock.now())
    return world


async def test_an_apply_commits_flips_and_says_what_became_of_every_charger() -> None:
    world = await world_of(3)
    world.relay.disconnect("cp002")
    result = await world.apply(a_site(3, FOLLOWS))
    assert result.results == (
        ChargerResult("cp000", Verdict.APPLIED),
        ChargerResult("cp001", Verdict.APPLIED),
        ChargerResult("cp002", Verdict.DEFERRED, "at its next connection"),
    )
    assert (result.revision, result.counts, result.exit_code) == (2, {"applied": 2, "deferred": 1}, 0)
    assert world.relay.owners("cp000") == world.relay.owners("cp001") == {"grid"}


async def test_the_plan_after_an_apply_is_empty_and_so_is_applying_it() -> None:
    world = await world_of()
    first = await world.apply(a_site(2, FOLLOWS))
    assert first.leftover == ()
    again = await world.apply(a_site(2, FOLLOWS))
    assert (again.revision, again.results, len(world.store.revisions)) == (2, (), 2)


async def test_the_plan_after_an_apply_names_who_takes_it_up_later_until_they_have() -> None:
    world = await world_of(3)
    world.relay.disconnect("cp001", "cp002")
    await world.apply(a_site(3, FOLLOWS))
    plan = await world.plan(a_site(3, FOLLOWS))
    assert (plan.is_empty, plan.pending, plan.absent) == (True, (), Absent(2, ("cp001", "cp002")))
    world.relay.connect("cp001")
    await world.reconciler.controller.tick(world.clock.now())
    world.relay.disconnect("cp001")  # it has taken it up: nothing is new to it
    await world.reconciler.controller.tick(world.clock.now())
    assert (await world.plan(a_site(3, FOLLOWS))).absent == Absent(1, ("cp002",))


async def test_one_failing_charger_does_not_stop_the_others() -> None:
    world = await world_of(3)
    world.relay.refuse("cp001", "grid rejects it")
    result = await world.apply(a_site(3, FOLLOWS))
    assert result.results[1] == ChargerResult("cp001", Verdict.FAILED, "grid rejects it")
    assert (result.counts, result.exit_code) == ({"applied": 2, "failed": 1}, 7)
    plan = await world.plan(a_site(3, FOLLOWS))
    assert plan.is_empty
    assert [(pending.charger, pending.reason) for pending in plan.pending] == [("cp001", "grid rejects it")]


@pytest.mark.parametrize(("policy", "verdict"), [("wait", Verdict.DEFERRED), ("skip", Verdict.SKIPPED)])
async def test_a_refusal_that_the_plan_announced_is_no_failure(policy: str, verdict: Verdict) -> None:
    world = await world_of(1, flip=policy)
    world.relay.begin_transaction("cp000")
    result = await world.apply(a_site(1, FOLLOWS, flip={"openTransaction": policy}))
    assert result.results == (ChargerResult("cp000", verdict, "refused until the open transaction ends"),)
    assert result.exit_code == 0
    world.relay.end_transaction("cp000")
    world.clock.advance(60)
    await world.reconciler.controller.tick(world.clock.now())
    assert world.relay.owners("cp000") == {"grid"}


async def test_progress_is_told_step_by_step() -> None:
    world = await world_of(2)
    heard: list[ApplyProgress] = []
    await world.reconciler.apply(ApplyRequest(await world.plan(a_site(2, FOLLOWS)), "ann"), heard.append)
    assert [(step.step, step.done, step.total) for step in heard] == [
        ("locked", 0, 0),
        ("committed", 0, 2),
        ("charger", 1, 2),
        ("charger", 2, 2),
        ("done", 2, 2),
    ]
    assert {step.result.charger for step in heard if step.result} == {"cp000", "cp001"}


async def test_a_plan_from_a_file_is_applied_as_it_was_made() -> None:
    world = await world_of(1)
    plan = from_json(to_json(await world.plan(a_site(1, FOLLOWS))))
    assert (await world.apply_plan(plan)).counts == {"applied": 1}


async def test_a_used_plan_cannot_be_applied_twice() -> None:
    world = await world_of(1)
    plan = await world.plan(a_site(1, FOLLOWS))
    await world.apply_plan(plan)
    with pytest.raises(StalePlan, match="this plan was applied before, as revision 2"):
        await world.apply_plan(plan)
    assert len(world.store.revisions) == 2


async def test_the_very_first_plan_cannot_be_applied_twice_either() -> None:
    world = World()
    plan = await world.plan(a_site(1))
    await world.apply_plan(plan)
    with pytest.raises(StalePlan):
        await world.apply_plan(plan)


async def test_a_plan_is_stale_where_a_charger_that_it_touches_rests_on_something_changed() -> None:
    world = await world_of(1)
    plan = await world.plan(a_site(1, FOLLOWS))
    await world.apply([backend("grid", "ws://127.0.0.1:1/moved")])
    with pytest.raises(StalePlan, match=r"backend\.grid was changed since \(version 1, now 2\)"):
        await world.apply_plan(plan)


async def test_an_unrelated_change_does_not_make_a_plan_stale() -> None:
    world = await world_of(1)
    plan = await world.plan(a_site(1, FOLLOWS))
    await world.apply([backend("unrelated")])
    assert (await world.apply_plan(plan)).counts == {"applied": 1}


async def test_two_plans_for_different_chargers_do_not_make_each_other_stale() -> None:
    world = await world_of(2)
    first = await world.plan([charger("cp000", quirks={"compression": "off"})])
    second = await world.plan([charger("cp001", quirks={"compression": "off"})])
    for plan in (first, second):
        assert (await world.apply_plan(plan)).exit_code == 0


async def test_a_tampered_plan_is_validated_like_any_input() -> None:
    world = await world_of(1)
    plan = await world.plan([backend("grid", "ws://127.0.0.1:1/moved")])
    (change,) = plan.resource_changes
    assert change.after is not None
    broken = replace(change, after={**change.after, "spec": {"url": "http://nowhere"}})
    with pytest.raises(InvalidSpecs):
        await world.apply_plan(replace(plan, resource_changes=(broken,)))
    assert len(world.store.revisions) == 1


async def test_a_guard_stops_the_apply_before_anything_is_touched_and_its_flag_lifts_it() -> None:
    world = await world_of(12)
    plan = await world.plan(a_site(12, FOLLOWS))
    with pytest.raises(GuardTripped) as tripped:
        await world.apply_plan(plan)
    assert (tripped.value.exit_code, tripped.value.hint) == (3, "--max-disruption 12 allows it")
    assert len(world.store.revisions) == 1
    assert world.relay.owners("cp000") == {"partner"}
    result = await world.apply_plan(plan, limits=Limits(max_disruption=Share.parse("12")))
    assert result.counts == {"applied": 12}


async def test_guards_count_the_sessions_that_are_live_when_it_is_applied() -> None:
    world = await world_of(12)
    world.relay.disconnect(*(f"cp{number:03}" for number in range(12)))
    plan = await world.plan(a_site(12, FOLLOWS))
    assert plan.blocked == ()
    world.relay.connect(*(f"cp{number:03}" for number in range(12)))
    with pytest.raises(GuardTripped):
        await world.apply_plan(plan)


async def test_deleting_every_charger_needs_its_flag() -> None:
    world = await world_of(2)
    plan = await world.plan(a_site(0, LEADS), prune=True)
    with pytest.raises(GuardTripped, match="all 2 chargers would be deleted"):
        await world.apply_plan(plan)
    await world.apply_plan(plan, limits=Limits(allow_delete_all=True))
    assert world.relay.live() == {}


async def test_a_change_window_stops_the_apply_with_its_own_exit_code() -> None:
    world = await world_of(1)
    window = {"start": "2026-12-01T00:00", "duration": "4h", "timeZone": "UTC"}
    freeze = document("ChangeWindow", "freeze", action="deny", chargers={"names": ["*"]}, window=window)
    await world.apply([freeze])
    plan = await world.plan(a_site(1, FOLLOWS))
    with pytest.raises(OutsideChangeWindow, match="eligible at 2026-12-01 04:00 UTC") as refused:
        await world.apply_plan(plan)
    assert refused.value.exit_code == 4
    world.clock.advance(timedelta(hours=2).total_seconds())
    assert (await world.apply_plan(plan)).counts == {"applied": 1}


async def test_only_one_writer_at_a_time() -> None:
    world = await world_of(1)
    plan = await world.plan(a_site(1, FOLLOWS))
    await world.store.acquire_lock("bob", "apply", world.clock.now(), 30)
    with pytest.raises(LockHeld, match="bob"):
        await world.apply_plan(plan)
    world.clock.advance(31)
    assert (await world.apply_plan(plan)).exit_code == 0
    assert await world.reconciler.lock() is None


async def test_the_lock_is_given_back_where_the_apply_is_refused() -> None:
    world = await world_of(12)
    with pytest.raises(GuardTripped):
        await world.apply(a_site(12, FOLLOWS))
    assert await world.reconciler.lock() is None


async def test_a_commit_survives_whatever_kills_the_apply_and_the_next_process_goes_on() -> None:
    world = await world_of(2)
    world.relay.hold("cp000")
    heard: list[str] = []
    request = ApplyRequest(await world.plan(a_site(2, FOLLOWS)), "ann")
    apply = asyncio.get_running_loop().create_task(
        world.reconciler.apply(request, lambda progress: heard.append(progress.step))
    )
    await world.until(lambda: world.relay.owners("cp001") == {"grid"})
    apply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await apply
    assert "committed" in heard
    successor = World(world.store, FakeRelay())
    successor.relay.connect("cp000", "cp001")
    await successor.reconciler.start()
    assert successor.relay.owners("cp000") == successor.relay.owners("cp001") == {"grid"}
    assert (await successor.plan(a_site(2, FOLLOWS))).is_empty


async def test_an_apply_that_is_killed_before_the_commit_changed_nothing() -> None:
    class Unwilling(MemoryStore):
        async def commit_revision(self, *_: object, **__: object) -> int:
            raise asyncio.CancelledError

    world = World(Unwilling())
    with pytest.raises(asyncio.CancelledError):
        await world.apply(a_site(1))
    assert (len(world.store.revisions), world.store.events, await world.reconciler.lock()) == (0, [], None)


async def test_history_says_who_why_and_from_which_commit() -> None:
    world = await world_of(1)
    plan = await world.plan(a_site(1, FOLLOWS))
    await world.apply_plan(plan, reason="winter tariff", git_author="ann@example", git_commit="abc123")
    committed, flip, reached = world.store.events[-3:]
    assert [event.kind for event in (committed, flip, reached)] == ["apply", "flip", "apply"]
    assert {event.actor for event in (committed, flip, reached)} == {"ann"}
    assert {event.reason for event in (committed, flip, reached)} == {"winter tariff"}
    assert {event.revision for event in (committed, flip, reached)} == {2}
    assert committed.details["apply"]
    assert {**committed.details, "apply": ""} == {
        "apply": "",
        "plan_id": plan.plan_id,
        "git_author": "ann@example",
        "git_commit": "abc123",
    }
    assert (committed.summary, reached.summary) == (
        "committed: 0 added, 1 changed, 0 destroyed",
        "1 charger asked: 1 applied",
    )
    assert flip.summary == "every feature: partner -> grid"
    assert world.store.revisions[-1].git_commit == "abc123"


async def test_an_overridden_charger_is_left_to_the_technician() -> None:
    world = await world_of(2)
    await world.reconciler.toggle(ToggleRequest(["cp000"], "local", "visit", "bob"))
    result = await world.apply(a_site(2, {"partner": "primary", "grid": "standby"}))
    assert result.exit_code == 0
    assert world.relay.owners("cp000") == {"local"}
    await world.reconciler.end_toggle(["cp000"], actor="bob")
    assert world.relay.owners("cp000") == {"partner"}


NIGHTS = document(
    "ChangeWindow",
    "nights",
    action="allow",
    chargers={"names": ["*"]},
    window={"cron": "0 3 * * *", "duration": "1h", "timeZone": "UTC"},
)


async def test_an_apply_waits_for_its_window_without_holding_the_lock() -> None:
    world = await world_of(1)
    await world.apply([NIGHTS])
    plan = await world.plan(a_site(1, FOLLOWS))
    with pytest.raises(OutsideChangeWindow, match=r"eligible at 2026-12-01 03:00 UTC"):
        await world.apply_plan(plan)
    waiting, steps = asyncio.Event(), []

    def heard(progress: ApplyProgress) -> None:
        steps.append(progress.step)
        waiting.set()

    request = ApplyRequest(plan, "ann", wait_for_window=True)
    applying = asyncio.get_running_loop().create_task(world.reconciler.apply(request, heard))
    await waiting.wait()
    assert await world.reconciler.lock() is None
    world.clock.advance(3600)
    assert (await applying).counts == {"applied": 1}
    assert steps == ["waiting", "locked", "committed", "charger", "done"]


async def test_who_waits_for_a_window_can_be_told_to_stop_and_has_changed_nothing() -> None:
    world = await world_of(1)
    await world.apply([NIGHTS])
    plan = await world.plan(a_site(1, FOLLOWS))
    stop = StopRequest()

    def heard(progress: ApplyProgress) -> None:
        stop.by = "bob"

    with pytest.raises(NotApplied, match="not applied: bob asked to stop before anything was changed"):
        await world.reconciler.apply(ApplyRequest(plan, "ann", wait_for_window=True), heard, stop)
    assert (len(world.store.revisions), world.relay.owners("cp000")) == (2, {"partner"})
    world.clock.advance(3600)
    assert (await world.apply_plan(plan)).counts == {"applied": 1}  # it is not used up


async def test_who_waits_for_the_lock_can_be_told_to_stop() -> None:
    world = await world_of(1)
    plan = await world.plan(a_site(1, FOLLOWS))
    await world.store.acquire_lock("carl", "a long apply", world.clock.now(), 600)
    with pytest.raises(NotApplied, match="bob asked to stop") as refused:
        await world.reconciler.apply(ApplyRequest(plan, "ann", lock_timeout_s=600), stop=StopRequest("bob"))
    assert not isinstance(refused.value, LockHeld)
    assert len(world.store.revisions) == 1


async def test_to_override_a_window_needs_a_reason() -> None:
    world = await world_of(1)
    await world.apply([NIGHTS])
    plan = await world.plan(a_site(1, FOLLOWS))
    limits = Limits(override_window=True)
    with pytest.raises(FwdctlError, match="needs a reason"):
        await world.apply_plan(plan, limits=limits)
    assert (await world.apply_plan(plan, limits=limits, reason="storm")).counts == {"applied": 1}
