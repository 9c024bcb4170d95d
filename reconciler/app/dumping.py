"""Use case dump: what is applied, as documents; a plan of them is empty."""

from collections.abc import Mapping
from typing import Any

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.planning.order import by_kind


async def dump(specs: AppliedSpecs) -> tuple[Mapping[str, Any], ...]:
    """Return the canonical documents of all applied resources, what others refer to first."""
    resources = (await specs.load()).site.resources
    return tuple(resources[address].content for address in by_kind(resources))
