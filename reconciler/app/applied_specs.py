"""Applied specs: what the store holds, resolved; parsed anew only where the revision is another."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.app.ports import Store, StoredResource
from reconciler.errors import InvalidSpecs
from reconciler.model.diagnostics import Diagnostic, by_position, has_errors
from reconciler.model.documents import Document
from reconciler.model.rollouts import Hold
from reconciler.model.site import Resource, Site
from reconciler.planning.documents import read_resources, stored_resources
from reconciler.planning.planner import Applied
from reconciler.planning.resolve import resolve


class AppliedSpecs:
    """The applied site of the newest revision that was read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._applied: Applied | None = None
        self._bases: dict[int, Site] = {}
        self._texts: dict[str, str] = {}

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the digests of texts that say what is applied as last read, each with the address that it is about."""
        return self._texts

    def learn(self, texts: Mapping[str, str], revision: int) -> None:
        """Take texts that say what `revision` holds, unless another one was read meanwhile."""
        if self._applied is not None and self._applied.revision == revision:
            self._texts |= texts

    async def current(self) -> Applied:
        """Return what is applied as last read, reading it the first time."""
        return self._applied or await self.load()

    async def newest(self) -> Applied:
        """Return what is applied now; the store is read only where another node has committed meanwhile."""
        if self._applied is not None and await self._store.revision() == self._applied.revision:
            return self._applied
        return await self.load()

    async def load(self) -> Applied:
        """Read the store and return what is applied now.

        Raises InvalidSpecs where what is stored does not validate any more: it was applied by another version.
        """
        revision, stored = await self._store.resources()
        if self._applied is None or self._applied.revision != revision:
            # Off the event loop: thousands of specs take a second or more, and frames must not wait for them.
            self._applied = await asyncio.to_thread(resolved, revision, stored)
            self._texts = {resource.text: resource.address for resource in stored if resource.text}
        return self._applied

    async def bases(self, holds: Iterable[Hold]) -> Mapping[int, Site]:
        """Return the site of every revision that one of `holds` is based on; read once, forgotten when not needed."""
        wanted = {hold.base for hold in holds}
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
    resources, findings = stored_resources([resource.content for resource in stored])
    site, more = resolve(resources)
    findings = by_position([*findings, *more])
    if has_errors(findings):
        raise InvalidSpecs(
            f"the applied specs (revision {revision}) do not validate with this version of fwdctl",
            findings,
            hint="run the version that applied them, or the one after it, and read its release notes",
        )
    return Applied(revision, site, {resource.address: resource.version for resource in stored})
