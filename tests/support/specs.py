"""Spec documents built in Python, for tests that are not about YAML; and a reconciler over fakes to feed them to."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from reconciler.app.applying import ApplyRequest, ApplyResult
from reconciler.app.duty import Duty
from reconciler.app.planning import PlanRequest
from reconciler.app.reconciler import Reconciler
from reconciler.model.documents import Document
from reconciler.model.plan import Plan
from reconciler.model.site import Resource, Site
from reconciler.planning.documents import read_resources
from reconciler.planning.guard import Limits
from reconciler.planning.planner import Applied
from reconciler.planning.resolve import resolve
from reconciler.planning.scope import Scope
from tests.support.clock import FakeClock
from tests.support.fake_relay import FakeRelay
from tests.support.memory_store import MemoryStore

_NUMBERS = itertools.count(1)


def document(kind: str, name: str, labels: Mapping[str, str] | None = None, /, **spec: Any) -> Document:
    """Return a document; fields of `spec` as YAML writes them."""
    metadata: dict[str, Any] = {"name": name} | ({"labels": dict(labels)} if labels else {})
    content = {"apiVersion": "fwdctl/v1", "kind": kind, "metadata": metadata, "spec": spec}
    return Document(content, "site.yaml", {"": (1, 1), "spec": (4, 1)})


def profile(name: str = "open") -> Document:
    """Return a SecurityProfile without any security."""
    return document("SecurityProfile", name, profile=0)


def backend(name: str, url: str = "", **spec: Any) -> Document:
    """Return a Backend on loopback that speaks 1.6."""
    fields = {"url": url or f"ws://127.0.0.1:1/{name}", "versions": ["ocpp1.6"], "securityProfile": "open"}
    return document("Backend", name, **{**fields, **spec})


def charger(name: str, labels: Mapping[str, str] | None = None, **spec: Any) -> Document:
    """Return a Charger that speaks 1.6, at depot a."""
    fields = {"versions": ["ocpp1.6"], "securityProfile": "open"}
    return document("Charger", name, {"site": "a"} if labels is None else labels, **{**fields, **spec})


def role(name: str, *owns: str) -> Document:
    """Return a Role that owns these features."""
    return document("Role", name, owns=list(owns))


def binding(name: str = "a", roles: Mapping[str, str] | None = None, **spec: Any) -> Document:
    """Return a BackendBinding of the chargers at depot `name`: back-end -> role, partner is primary."""
    backends = [{"backend": backend, "role": role} for backend, role in (roles or {"partner": "primary"}).items()]
    return document("BackendBinding", name, **{"chargers": {"labels": {"site": name}}, "backends": backends, **spec})


def a_site(chargers: int = 2, roles: Mapping[str, str] | None = None, **spec: Any) -> list[Document]:
    """Return a depot: cp000, cp001, ..., bound to back-ends partner and grid in these roles."""
    return [
        profile(),
        backend("partner"),
        backend("grid"),
        *(charger(f"cp{number:03}") for number in range(chargers)),
        binding(roles=roles, **spec),
    ]


def without(documents: Sequence[Document], *names: str) -> list[Document]:
    """Return the documents but those of these names."""
    return [document for document in documents if document.content["metadata"]["name"] not in names]


def resources(documents: Sequence[Document]) -> dict[str, Resource]:
    """Return the valid resources of documents, by address."""
    found, findings = read_resources(documents)
    assert not findings, findings
    return {str(resource.address): resource for resource in found}


def resolved(documents: Sequence[Document]) -> Site:
    """Return the valid site of documents."""
    site, findings = resolve(resources(documents).values())
    assert not [finding for finding in findings if finding.severity == "error"], findings
    return site


def applied(documents: Sequence[Document], revision: int = 1) -> Applied:
    """Return documents as applied, each in version 1."""
    site = resolved(documents)
    return Applied(revision, site, dict.fromkeys(site.resources, 1))


class World:
    """A reconciler with its store, relay and clock, none of them real; `trouble` is what was reported."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        relay: FakeRelay | None = None,
        clock: FakeClock | None = None,
        duty: Duty | None = None,
        node: str = "",
    ) -> None:
        self.clock = clock or FakeClock()
        self.store = store or MemoryStore()
        self.relay = relay or FakeRelay()
        self.trouble: list[tuple[str, BaseException]] = []
        self.reconciler = Reconciler(
            self.store, self.relay, self.clock, self._new_id, report=self._report, duty=duty, node=node
        )

    async def plan(self, documents: Sequence[Document], limits: Limits | None = None, **scope: Any) -> Plan:
        """Plan these documents."""
        return await self.reconciler.plan(PlanRequest(documents, Scope(**scope), limits or Limits()))

    async def apply(self, documents: Sequence[Document], **scope: Any) -> ApplyResult:
        """Plan and apply these documents, as ann."""
        return await self.apply_plan(await self.plan(documents, **scope))

    async def apply_plan(self, plan: Plan, **request: Any) -> ApplyResult:
        """Apply a plan, as ann."""
        return await self.reconciler.apply(ApplyRequest(plan, "ann", **request))

    def kinds(self, charger: str | None = None) -> list[str]:
        """Return the kinds of recorded events, oldest first."""
        return [event.kind for event in self.store.events if charger in (None, event.charger)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; looks again whenever the relay answered or trouble was reported."""
        await self.relay.bell.until(condition, timeout_s=10)

    @asynccontextmanager
    async def looping(self) -> AsyncIterator[None]:
        """Run the controller loop for the block."""
        loop = asyncio.get_running_loop().create_task(self.reconciler.run())
        try:
            yield
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    def _report(self, what: str, error: BaseException) -> None:
        self.trouble.append((what, error))
        self.relay.bell.ring()

    @staticmethod
    def _new_id() -> str:
        return f"id-{next(_NUMBERS)}"
