"""Use case show: one resource as it was applied at a time, and for a charger who was to own what then."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs, resolved
from reconciler.app.explaining import explained
from reconciler.app.ports import Clock, HistoryFilter, Store, StoredResource
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.model.addresses import Address
from reconciler.model.history import HistoryEvent
from reconciler.model.site import Site
from reconciler.planning.explain import Explanation


class Shown(msgspec.Struct, frozen=True):
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
        NotKept where that is forgotten, FwdctlError where both are given or there is no such revision.
        """
        if at is not None and revision is not None:
            raise FwdctlError("a time and a revision were given", hint="one of --at TIME and --revision REV")
        when = None if revision is not None else at or self._clock.now()
        number = revision if when is None else await self._store.revision_at(when)
        assert number is not None  # one of the two is given
        stored = {resource.address: resource for resource in await self._store.resources_at(number)}
        charger = _charger(text)
        site = await self._site(number, stored.values()) if charger else None
        resource = stored.get(site.declared_by.get(charger, text) if site is not None else text)
        if resource is None:
            raise UnknownAddress(
                f"there is no {text} in revision {number}", hint="fwdctl history --kind apply lists the revisions"
            )
        changed_by = await self._made(resource.revision)
        shown = Shown(resource.address, number, when, resource.content, changed_by)
        if when is None or site is None or charger not in site.bound_by:
            return shown
        return replace(
            shown,
            explanation=await explained(self._store, self._specs, site, charger, when, now=at is None),
            flip=await self._last(HistoryFilter(charger, "flip", until=when, limit=1)),
        )

    async def _site(self, revision: int, stored: Iterable[StoredResource]) -> Site:
        newest = await self._specs.newest()
        if newest.revision == revision:
            return newest.site
        return (await asyncio.to_thread(resolved, revision, list(stored))).site

    async def _made(self, revision: int) -> HistoryEvent | None:
        """Return the apply that made `revision`; where history is forgotten already, as much as the revision says."""
        event = await self._last(HistoryFilter(kind="apply", revision=revision, limit=1))
        if event is not None:
            return event
        meta = await self._store.revision_meta(revision)
        if meta is None:
            return None
        details = {"git_author": meta.git_author, "git_commit": meta.git_commit}
        said = {name: value for name, value in details.items() if value}
        return HistoryEvent(meta.at, "apply", "committed", "", meta.actor, meta.reason, revision, said)

    async def _last(self, wanted: HistoryFilter) -> HistoryEvent | None:
        return next(iter(await self._store.history(wanted)), None)


def _charger(text: str) -> str:
    """Return the name of a charger's address; "" for any other. Raises FwdctlError where `text` is no address."""
    address = Address.parse(text)
    return address.name if address.kind == "charger" else ""
