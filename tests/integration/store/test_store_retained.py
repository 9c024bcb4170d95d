"""How far back the store goes, on both engines: old revisions go, what kept ones need stays, the rest is refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.ports import ResourceWrite, Retained, RolloutCommit, StoredResource
from reconciler.errors import NotKept, StalePlan
from reconciler.model.history import HistoryEvent
from reconciler.model.rollouts import PAUSED, Rollout, RolloutState, Step
from tests.support.store_process import EPOCH, META

CP1, CP2 = "charger.cp001", "charger.cp002"


def day(number: int) -> datetime:
    """Return that day."""
    return EPOCH + timedelta(days=number)


async def change(store: Any, number: int, address: str, content: Any, **besides: Any) -> int:
    """Commit on day `number` that a resource is so from now on; None deletes it."""
    _, resources = await store.resources()
    seen = next((one.version for one in resources if one.address == address), 0)
    meta = replace(META, at=day(number))
    return int(await store.commit_revision([ResourceWrite(address, content, seen)], meta, f"plan-{number}", **besides))


async def prune(store: Any, since: datetime, at_least: int = 2, batch: int = 2) -> tuple[int, int]:
    """Give up what was followed before `since`, in small batches; return how many versions and revisions went."""
    await store.retain_revisions(since, at_least)
    versions = revisions = 0
    while gone := await store.forget_versions(batch):
        versions += gone
    while gone := await store.forget_revisions(batch):
        revisions += gone
    return versions, revisions


async def test_versions_of_old_revisions_go_and_kept_revisions_stay_as_they_were(store: Any) -> None:
    await change(store, 0, CP1, {"n": 0})
    await change(store, 1, CP2, {"same": "for ever"})
    for number in range(2, 7):
        await change(store, number, CP1, {"n": number})
    kept = {number: await store.resources_at(number) for number in (5, 6, 7)}
    assert await prune(store, day(4)) == (3, 3)  # of cp001 as of days 0, 2, 3; revision 2 began cp002
    assert await store.retained() == Retained(5, day(4))
    assert {number: await store.resources_at(number) for number in (5, 6, 7)} == kept
    assert await store.resources_at(0) == ()
    assert (await store.revision_meta(2)).at == day(1)
    with pytest.raises(NotKept, match=r"revision 4 is not kept any more: the oldest revision that is there is 5"):
        await store.resources_at(4)
    assert await prune(store, day(4)) == (0, 0)


async def test_a_time_before_the_oldest_kept_revision_is_refused_and_the_oldest_instant_is_answered(store: Any) -> None:
    for number in range(0, 8, 2):
        await change(store, number, CP1, {"n": number})
    await prune(store, day(5))
    assert await store.revision_at(day(5)) == await store.revision_at(day(4)) == 3
    assert await store.revision_at(day(9)) == 4
    for forgotten in (day(4) - timedelta(microseconds=1), day(0), day(-1)):
        with pytest.raises(NotKept, match=r"what was applied at 20.* applied at 2026-12-05T02:00:00Z; .*--revisions"):
            await store.revision_at(forgotten)


async def test_the_last_revisions_stay_however_old_and_the_bound_never_goes_back(store: Any) -> None:
    for number in range(6):
        await change(store, number, CP1, {"n": number})
    await prune(store, day(100), at_least=3)
    assert (await store.retained()).revision == 4
    await prune(store, day(100), at_least=6)
    await prune(store, day(1))
    assert (await store.retained()).revision == 4
    await prune(store, day(100), at_least=2)
    assert await store.retained() == Retained(5, day(4))


async def test_of_a_deleted_resource_nothing_is_left_once_out_of_the_span_and_its_versions_go_on_counting(
    store: Any,
) -> None:
    await change(store, 0, CP1, {"n": 0})
    await change(store, 1, CP1, {"n": 1})
    await change(store, 2, CP1, None)
    for number in (3, 4):
        await change(store, number, CP2, {"n": number})
    assert await prune(store, day(50)) == (2, 3)
    assert [one.address for one in await store.resources_at(4)] == [CP2]
    await change(store, 5, CP1, {"again": True})
    (again, _) = (await store.resources())[1]
    assert again == StoredResource(CP1, {"again": True}, 5, 6)
    for seen in (1, 2):  # plans made before the deletion
        with pytest.raises(StalePlan):
            await store.commit_revision([ResourceWrite(CP1, {"old": True}, seen)], META, f"old-{seen}")


async def test_a_plan_that_may_have_been_applied_before_anybody_can_remember_is_refused(store: Any) -> None:
    for number in range(5):
        await change(store, number, CP1, {"n": number})
    await prune(store, day(3))
    with pytest.raises(StalePlan, match=r"made against revision 0, which is not kept any more"):
        await store.commit_revision([ResourceWrite(CP2, {}, 0)], META, "plan-0", base=0)
    assert await store.commit_revision([ResourceWrite(CP2, {}, 0)], META, "plan-new", base=4) == 6


async def held(store: Any, apply_id: str, step: Step, number: int, base: int) -> None:
    """Commit an apply on day `number` that leaves a charger as of an earlier revision."""
    await store.begin_rollout(Rollout(apply_id, "n", "h", day(number), plan=b"{}"))
    committed = RolloutCommit(apply_id, "h", (step,))
    await change(store, number, CP1, {"n": number}, rollout=committed, base=base)


@pytest.mark.parametrize(("state", "ended"), [("waiting", "stopped"), (PAUSED, "done"), ("failed", "stopped")])
async def test_the_revision_that_a_charger_still_runs_by_stays_whole_for_as_long(
    store: Any, state: str, ended: str
) -> None:
    for number in range(3):
        await change(store, number, CP1, {"n": number})
    await held(store, "a", Step("cp001", 2, state), 3, 3)
    await store.end_rollout("a", "h", RolloutState(ended), {}, day(3))
    for number in range(4, 9):
        await change(store, number, CP1, {"n": number})
    assert await prune(store, day(8)) == (6, 5)  # all but the last two, and what revision 2 left
    assert [one.content for one in await store.resources_at(2)] == [{"n": 1}]
    for forgotten in (1, 3, 7):
        with pytest.raises(NotKept):
            await store.resources_at(forgotten)
    with pytest.raises(NotKept):
        await store.revision_at(day(1))
    await held(store, "b", Step("cp001", 2, state), 10, 9)  # an apply takes the charger over as it runs
    assert await prune(store, day(8)) == (1, 1)
    await store.release_held(["cp001"])
    await store.take_over_rollout("b", node="n", holder="h")
    await store.journal_steps("b", "h", [Step("cp001", 2, "applied")])
    await store.end_rollout("a", "h", RolloutState.DONE, {}, day(11))
    await store.end_rollout("b", "h", RolloutState.DONE, {}, day(11))
    assert await prune(store, day(8)) == (1, 2)
    with pytest.raises(StalePlan, match=r"revision 2, as of which chargers ran"):
        await held(store, "c", Step("cp001", 2), 12, 10)


async def test_events_say_from_when_on_there_are_any(store: Any) -> None:
    await store.record([HistoryEvent(day(number), "flip", "") for number in range(3)])
    await store.forget_events(day(0), 10)
    assert (await store.retained()).events_since is None
    await store.forget_events(day(2), 10)
    await store.forget_events(day(1), 10)
    assert (await store.retained()).events_since == day(2)
