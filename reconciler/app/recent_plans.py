"""Recent plans: the last plans that this server made, to be looked at and applied by others than who made them.

In memory and bounded: a plan is stale soon, and the file that `fwdctl plan --out` wrote outlives a restart.
"""

from dataclasses import dataclass
from typing import Final

from reconciler.errors import UnknownAddress
from reconciler.model.plan import Plan

PLANS_MAX: Final = 20
CHANGES_MAX: Final = 20_000
"""In all of them; the newest plan is kept however large it is."""


@dataclass(slots=True, eq=False)
class RecentPlan:
    """A plan, who had it made, and the id of the apply that was last begun with it ("" for none)."""

    plan: Plan
    made_by: str
    apply_id: str = ""


class RecentPlans:
    """Keeps plans that change something, by id; the oldest make way."""

    def __init__(self) -> None:
        self._plans: dict[str, RecentPlan] = {}

    def keep(self, plan: Plan, made_by: str) -> None:
        """Keep a plan that was just made."""
        if plan.is_empty:
            return
        self._plans[plan.plan_id] = RecentPlan(plan, made_by)
        while len(self._plans) > PLANS_MAX or (len(self._plans) > 1 and self._changes() > CHANGES_MAX):
            del self._plans[next(iter(self._plans))]

    def begun(self, plan_id: str, apply_id: str) -> None:
        """Note that an apply was begun with a plan, if it is kept."""
        kept = self._plans.get(plan_id)
        if kept is not None:
            kept.apply_id = apply_id

    def find(self, plan_id: str) -> RecentPlan:
        """Return a plan; raises UnknownAddress where it is not kept (any more)."""
        kept = self._plans.get(plan_id)
        if kept is None:
            raise UnknownAddress(
                f"there is no plan {plan_id} here (any more)",
                hint="make it anew: fwdctl plan -f ...; or apply the file that --out wrote: fwdctl apply --plan FILE",
            )
        return kept

    def newest(self) -> tuple[RecentPlan, ...]:
        """Return all that are kept, newest first."""
        return tuple(reversed(self._plans.values()))

    def _changes(self) -> int:
        return sum(len(kept.plan.resource_changes) for kept in self._plans.values())
