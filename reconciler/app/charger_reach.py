"""How far a caller reaches whose token is for some chargers only: those that have all of its labels."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.errors import NotAllowed
from reconciler.model.addresses import Address
from reconciler.model.plan import Plan
from reconciler.model.site import Site

Labels = Mapping[str, str]

OWN_LABELS: Final = frozenset({"charger", "split-system"})
SELECTING: Final = frozenset(
    {"backend-binding", "scheduled-outage", "change-window", "notification-rule", "load-policy"}
)
"""Kinds with `chargers`; where they select by the caller's labels, they can't select a charger out of its reach."""


class ChargerReach:
    """Answers over what is applied now; empty labels reach everything."""

    def __init__(self, specs: AppliedSpecs) -> None:
        self._specs = specs

    async def chargers(self, labels: Labels) -> frozenset[str]:
        """Return the names of the declared chargers within reach."""
        return _reached((await self._specs.newest()).site, labels)

    async def check_chargers(self, patterns: Sequence[str], labels: Labels) -> None:
        """Refuse chargers out of reach; raises UnknownAddress, as `chargers_meant`, and NotAllowed."""
        site = (await self._specs.newest()).site
        _check(chargers_meant(site, patterns), _reached(site, labels), labels)

    async def check_all(self, names: Sequence[str], labels: Labels, what: str) -> None:
        """Refuse `what` where it is about a charger out of reach, or about none; raises NotAllowed."""
        if not names or not (await self.chargers(labels)).issuperset(names):
            raise _out_of_reach(what, labels)

    async def check_address(self, text: str, labels: Labels) -> None:
        """Refuse an address that is no charger within reach; raises NotAllowed."""
        site = (await self._specs.newest()).site
        reached = _reached(site, labels)
        if text not in {site.declared_by.get(name) for name in reached} | {f"charger.{name}" for name in reached}:
            raise _out_of_reach(text, labels)

    async def check_plan(self, plan: Plan, labels: Labels) -> None:
        """Refuse a plan that changes, or touches, anything out of reach; raises NotAllowed.

        What a resource was is taken from what is applied, never from the plan, which comes from the caller.
        """
        if not labels:
            return
        site = (await self._specs.newest()).site
        for change in plan.resource_changes:
            before = site.resources.get(change.address)
            contents = [before.content] if before is not None else []
            contents += [change.after] if change.after is not None else []
            if not all(_is_within(change.address, content, labels) for content in contents):
                raise _out_of_reach(change.address, labels)
        _check([name for name in plan.chargers if name in site.chargers], _reached(site, labels), labels)


def _reached(site: Site, labels: Labels) -> frozenset[str]:
    return frozenset(name for name, charger in site.chargers.items() if _has(charger.labels, labels))


def _is_within(address: str, content: Mapping[str, Any], labels: Labels) -> bool:
    kind = Address.parse(address).kind
    if kind in OWN_LABELS:
        return _has(content.get("metadata", {}).get("labels", {}), labels)
    if kind in SELECTING:
        return _has(content.get("spec", {}).get("chargers", {}).get("labels", {}), labels)
    return False


def _has(found: Labels, labels: Labels) -> bool:
    return all(found.get(label) == value for label, value in labels.items())


def _check(names: Sequence[str], reached: frozenset[str], labels: Labels) -> None:
    outside = [name for name in names if name not in reached]
    if outside:
        raise _out_of_reach(f"charger.{outside[0]}", labels)


def _out_of_reach(what: str, labels: Labels) -> NotAllowed:
    told = ", ".join(f"{label}={value}" for label, value in labels.items())
    return NotAllowed(
        f"this token is for chargers with {told}, and {what} is not within that",
        hint="use a token for all chargers: fwdctl token create without --select",
    )
