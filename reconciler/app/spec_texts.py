"""Spec texts: by their digests the server knows the documents it has seen before, and need not be sent them again.

    command line                                          server
    digests of all documents ──────────────────────────>  which of them say just what is applied?
    the others, read; the digests of those      ───────>  plan, or: these I need to see after all

A digest is taken for what is applied only if somebody who may apply once sent it together with that very content. It is
forgotten with the version that it stood for.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.ports import Store
from reconciler.errors import FwdctlError, TextsNeeded
from reconciler.model.documents import Document
from reconciler.model.plan import Plan
from reconciler.model.site import Resource
from reconciler.planning.planner import Applied


class SpecTexts:
    """Looks texts up among what is applied, and learns new ones."""

    def __init__(self, store: Store, specs: AppliedSpecs) -> None:
        self._store = store
        self._specs = specs

    async def known(self, digests: Iterable[str]) -> list[str]:
        """Return those of `digests` that say just what is applied."""
        await self._specs.newest()
        return [digest for digest in digests if digest in self._specs.texts]

    def addresses(self, digests: Sequence[str]) -> dict[str, str]:
        """Return address -> digest of what these digests say; raises TextsNeeded where one isn't known (any more).

        So it does where two say the same address: what is declared twice has to be told with its places.
        """
        texts, found = self._specs.texts, dict[str, str]()
        for digest in digests:
            address = texts.get(digest)
            if address is None or address in found:
                raise TextsNeeded(texts=digests)
            found[address] = digest
        return found

    async def learn(self, documents: Iterable[Document], given: Iterable[Resource], applied: Applied) -> None:
        """Remember the texts of documents that say what is applied; `given` are the resources they make, in order."""
        learnt: dict[str, str] = {}
        for document, resource in zip(documents, given, strict=True):
            address = str(resource.address)
            new = document.text and self._specs.texts.get(document.text) != address
            if new and applied.site.resources.get(address) == resource:
                learnt[document.text] = address
        if learnt:
            texts = [(address, applied.versions[address], digest) for digest, address in learnt.items()]
            with suppress(FwdctlError):  # what isn't remembered is sent again, and that is all
                await self._store.learn_texts(texts)
                self._specs.learn(learnt, applied.revision)


def refuse_unplaced(plan: Plan, known: Mapping[str, str]) -> None:
    """Raise TextsNeeded where warnings are about resources known by their text alone, whose places nobody told.

    `known` are the digests of those by address.
    """
    about = [found.address for found in plan.warnings if found.address is not None and found.position is None]
    needed = {known[address] for address in about if address in known}
    if needed:
        raise TextsNeeded(texts=sorted(needed))
