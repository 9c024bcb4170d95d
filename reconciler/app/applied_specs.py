"""Applied specs: what the store holds, resolved; where the revision is another, only what came with it is read."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from reconciler.app.ports import ResourceChanges, Store, StoredResource
from reconciler.errors import InvalidSpecs, NotKept
from reconciler.model.diagnostics import Diagnostic, by_position, has_errors
from reconciler.model.documents import Document
from reconciler.model.rollouts import Hold
from reconciler.model.site import Resource, Site
from reconciler.planning.documents import read_resources, stored_resources
from reconciler.planning.planner import Applied
from reconciler.planning.resolve import resolve
from reconciler.planning.resolve_again import resolve_again

NOTHING: Final = Applied(0, resolve([])[0], {})
"""What is applied before anything ever was."""


class AppliedSpecs:
    """The applied site of the newest revision that was read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._applied: Applied | None = None
        self._before: Applied | None = None
        self._foreseen: Site | None = None
        self._bases: dict[int, Site] = {}
        self._texts: dict[str, str] = {}
        self._reading = asyncio.Lock()

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the digests of texts that say what is applied as last read, each with the address that it is about."""
        return self._texts

    def learn(self, texts: Mapping[str, str], revision: int) -> None:
        """Take texts that say what `revision` holds, unless another one was read meanwhile."""
        if self._applied is not None and self._applied.revision == revision:
            self._texts |= texts

    def foresee(self, site: Site) -> None:
        """Take the site that somebody is about to apply: where just that comes about, it is not resolved again."""
        self._foreseen = site

    async def current(self) -> Applied:
        """Return what is applied as last read, reading it the first time."""
        return self._applied or await self.load()

    async def newest(self) -> Applied:
        """Return what is applied now; the store is read only where another node has committed meanwhile."""
        if self._applied is not None and await self._store.revision() == self._applied.revision:
            return self._applied
        return await self.load()

    async def load(self) -> Applied:
        """Read what the store has that is new, and return what is applied now.

        Raises InvalidSpecs where what is stored does not validate any more: it was applied by another version.
        """
        async with self._reading:
            known = self._applied
            try:
                changes = await self._store.resource_changes(known.revision if known is not None else 0)
            except NotKept:  # this node has not looked for so long that what went since is forgotten
                known, self._texts = None, {}
                changes = await self._store.resource_changes(0)
            if known is not None and changes.revision == known.revision:
                return known
            # Off the event loop: thousands of specs take a second or more, and frames must not wait for them.
            foreseen, self._foreseen = self._foreseen, None
            applied = await asyncio.to_thread(turned, known or NOTHING, changes, foreseen)
            changed = changes.gone.union(resource.address for resource in changes.written)
            texts = {digest: address for digest, address in self._texts.items() if address not in changed}
            self._texts = texts | {resource.text: resource.address for resource in changes.written if resource.text}
            self._before, self._applied = known, applied
            return applied

    async def bases(self, holds: Iterable[Hold]) -> Mapping[int, Site]:
        """Return the site of every revision that one of `holds` is based on; read once, forgotten when not needed."""
        wanted = {hold.base for hold in holds}
        if self._before is not None and self._before.revision in wanted:
            self._bases.setdefault(self._before.revision, self._before.site)
        for revision in wanted - self._bases.keys():
            stored = await self._store.resources_at(revision)
            self._bases[revision] = (await asyncio.to_thread(resolved, revision, stored)).site
        self._bases = {revision: self._bases[revision] for revision in wanted}
        return self._bases


def from_contents(contents: Iterable[Mapping[str, Any]]) -> tuple[Sequence[Resource], Sequence[Diagnostic]]:
    """Return the resources of canonical documents, as in a plan, and what is wrong with them."""
    return read_resources([Document(content=content, file="") for content in contents])


def resolved(revision: int, stored: Sequence[StoredResource]) -> Applied:
    """Return what is applied where these resources are; raises InvalidSpecs where they no longer validate."""
    return turned(NOTHING, ResourceChanges(revision, tuple(stored)))


def turned(known: Applied, changes: ResourceChanges, foreseen: Site | None = None) -> Applied:
    """Return what is applied once these changes have come over what was `known`.

    `foreseen` is taken for the site where it is just what came about. Raises InvalidSpecs where what is stored no
    longer validates.
    """
    written, findings = stored_resources([resource.content for resource in changes.written])
    kept = {address: found for address, found in known.site.resources.items() if address not in changes.gone}
    resources = kept | {str(found.address): found for found in written}
    if foreseen is not None and not findings and _came_about(foreseen, resources):
        site = foreseen
    else:
        site, more = resolve_again(resources, known.site)
        findings = by_position([*findings, *more])
    if has_errors(findings):
        raise InvalidSpecs(
            f"the applied specs (revision {changes.revision}) do not validate with this version of fwdctl",
            findings,
            hint="run the version that applied them, or the one after it, and read its release notes",
        )
    versions = {address: version for address, version in known.versions.items() if address not in changes.gone}
    return Applied(changes.revision, site, versions | {one.address: one.version for one in changes.written})


def _came_about(foreseen: Site, resources: Mapping[str, Resource]) -> bool:
    """Tell whether the resources are those of the foreseen site."""
    there = foreseen.resources
    return there.keys() == resources.keys() and all(
        (known := there[address]) is found or (known == found and known.content == found.content)
        for address, found in resources.items()
    )
