"""Recent plans: the newest are kept, within bounds, and know with what they were applied."""

import pytest

from reconciler.app import recent_plans
from reconciler.app.recent_plans import PLANS_MAX, RecentPlans
from reconciler.errors import UnknownAddress
from tests.support.specs import World, a_site


async def test_a_plan_that_changes_something_is_kept_and_found_with_who_made_it() -> None:
    world, plans = World(), RecentPlans()
    plan = await world.plan(a_site(1))
    plans.keep(plan, "ci")
    plans.begun(plan.plan_id, "apply-1")
    plans.begun("another", "apply-2")
    kept = plans.find(plan.plan_id)
    assert (kept.plan, kept.made_by, kept.apply_id) == (plan, "ci", "apply-1")
    await world.apply_plan(plan)
    plans.keep(await world.plan(a_site(1)), "ci")
    assert plans.newest() == (kept,)  # one that changes nothing is nothing to apply
    with pytest.raises(UnknownAddress, match="there is no plan another") as told:
        plans.find("another")
    assert "fwdctl plan" in told.value.hint


async def test_old_plans_make_way_and_large_ones_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    world, plans = World(), RecentPlans()
    made = [await world.plan(a_site(1)) for _ in range(PLANS_MAX + 2)]
    for plan in made:
        plans.keep(plan, "ci")
    assert [kept.plan for kept in plans.newest()] == made[:1:-1]
    monkeypatch.setattr(recent_plans, "CHANGES_MAX", 2 * len(made[0].resource_changes))
    plans.keep(await world.plan(a_site(1)), "ci")
    assert len(plans.newest()) == 2
    monkeypatch.setattr(recent_plans, "CHANGES_MAX", 0)
    plans.keep(await world.plan(a_site(1)), "ci")
    assert len(plans.newest()) == 1
