"""Use case show: one resource as it was applied at a time, and for a charger who was to own what then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.ports import Clock, HistoryFilter, Store
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.model.addresses import Address
from reconciler.model.history import HistoryEvent
from reconciler.planning.explain import Explanation, explain


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource as `revision` left it: `content` is its document, `changed_by` the apply that wrote this version.

    `explanation` and `flip` are about a charger at `at`: what it was to run, and its last flip until then; both are
    None where a revision was asked for, which is no moment.
    """

    address: str
    revision: int
    at: datetime | None
    content: Mapping[str, Any]
    changed_by: HistoryEvent | None
    explanation: Explanation | None = None
    flip: HistoryEvent | None = None


class Showing:
    """Reads; changes nothing."""

    def __init__(self, store: Store, clock: Clock, specs: AppliedSpecs) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs

    async def show(self, text: str, *, at: datetime | None = None, revision: int | None = None) -> Shown:
        """Return the resource at the address `text` as of `at` (None: now), or as `revision` left it.

        A charger of a split system is shown by that. Raises UnknownAddress where there was no such resource then,
        FwdctlError where both are given or there is no such revision.
        """
        if at is not None and revision is not None:
            raise FwdctlError("a time and a revision were given", hint="one of --at TIME and --revision REV")
        when = None if revision is not None else at or self._clock.now()
        number = await self._store.revision_at(when) if when is not None else revision
        assert number is not None  # one of the two is given
        applied = await self._specs.at(number)
        charger = _charger(text)
        address = applied.site.declared_by.get(charger, text)
        resource = applied.site.resources.get(address)
        if resource is None:
            raise UnknownAddress(
                f"there was no {text} in revision {number}", hint="fwdctl history --kind apply lists the revisions"
            )
        shown = Shown(address, number, when, resource.content, await self._apply_before(address, number))
        if when is None or charger not in applied.site.chargers:
            return shown
        interventions = await self._store.interventions(when)
        return Shown(
            *(address, number, when, resource.content, shown.changed_by),
            explanation=explain(applied.site, interventions, when, charger),
            flip=await self._last(HistoryFilter(charger, "flip", until=when, limit=1)),
        )

    async def _apply_before(self, address: str, revision: int) -> HistoryEvent | None:
        stored = await self._store.resources_at(revision)
        written = next(resource.revision for resource in stored if resource.address == address)
        return await self._last(HistoryFilter(kind="apply", revision=written, limit=1))

    async def _last(self, wanted: HistoryFilter) -> HistoryEvent | None:
        return next(iter(await self._store.history(wanted)), None)


def _charger(text: str) -> str:
    """Return the name of a charger's address; "" for any other. Raises FwdctlError where `text` is no address."""
    address = Address.parse(text)
    return address.name if address.kind == "charger" else ""
