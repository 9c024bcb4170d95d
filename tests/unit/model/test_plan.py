"""Plan: the value's own counts."""

from reconciler.model.plan import Action, Disruption, Effect, Plan, ResourceChange, Summary
from tests.support.clock import EPOCH


def test_an_empty_plan_changes_nothing() -> None:
    plan = Plan("p1", EPOCH, 3)
    assert plan.is_empty
    assert (plan.chargers, plan.summary) == ((), Summary())


def test_a_plan_counts_actions_and_the_live_chargers_of_each_class() -> None:
    changes = tuple(ResourceChange(f"role.{action}", action, {}, {}) for action in Action)
    effects = (
        Effect(Disruption.LIVE_FLIP, chargers=("b", "a"), deferred=("d",)),
        Effect(Disruption.NONE, chargers=("c",)),
    )
    plan = Plan("p1", EPOCH, 3, changes, effects)
    assert plan.summary == Summary(add=1, change=1, destroy=1, flip=2, unnoticed=1, deferred=1)
    assert plan.chargers == ("a", "b", "c", "d")
