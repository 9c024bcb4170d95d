"""Use case plan: given specs, what is applied and what is live make a plan; nothing is changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs, from_contents
from reconciler.app.controller import Controller
from reconciler.app.ports import Clock, RelayPort, Secrets, Store
from reconciler.app.secret_check import secret_findings
from reconciler.app.sightings import live_of_all
from reconciler.app.spec_texts import SpecTexts, refuse_unplaced
from reconciler.app.tasks import breathing
from reconciler.errors import FwdctlError, InvalidSpecs, TextsNeeded
from reconciler.model.diagnostics import Diagnostic, Severity, by_position, has_errors
from reconciler.model.documents import NOWHERE, Document
from reconciler.model.interventions import Interventions
from reconciler.model.live import Deferred, LiveCharger
from reconciler.model.plan import Absent, Pending, Plan, ResourceChange
from reconciler.model.site import Resource, Site
from reconciler.planning.documents import read_resources
from reconciler.planning.drift import State
from reconciler.planning.guard import Limits
from reconciler.planning.planner import Applied, Moment, carry_out, plan_towards, resolved_over
from reconciler.planning.scope import Scope, merge
from reconciler.planning.superseded import superseded
from reconciler.planning.turns import hold_text

_ABSENT_NAMED: Final = 100
_NAMED: Final = 5
"""Resources named in a warning before "and N more"."""


class PlanRequest(msgspec.Struct, frozen=True):
    """What to plan: specs as read by the client, what of them counts, and what the caller would allow."""

    documents: Sequence[Document]
    scope: Scope = msgspec.field(default_factory=Scope)
    limits: Limits = msgspec.field(default_factory=Limits)
    texts: Sequence[str] = ()
    """Digests of further documents, of which the caller was told that they say what is applied; see `SpecTexts`."""
    trusted: bool = False
    """The caller may apply, so its word is taken for what the texts of `documents` say."""


class Planning:
    """Makes plans on the server, where applied specs, live chargers and secrets are."""

    def __init__(
        self,
        store: Store,
        relay: RelayPort,
        clock: Clock,
        specs: AppliedSpecs,
        controller: Controller,
        new_id: Callable[[], str],
        secrets: Secrets | None = None,
    ) -> None:
        self._store = store
        self._relay = relay
        self._clock = clock
        self._specs = specs
        self._controller = controller
        self._new_id = new_id
        self._secrets = secrets
        self.texts = SpecTexts(store, specs)

    async def plan(self, request: PlanRequest) -> Plan:
        """Return the plan for the given specs.

        Raises InvalidSpecs with everything that is wrong with them, alone or merged with what is applied, or
        with a secret reference that does not resolve on the server; TextsNeeded where more has to be given in full.
        """
        try:
            return await self._plan(request)
        except InvalidSpecs:
            if request.texts:
                raise TextsNeeded(texts=request.texts) from None  # to be told with the places of all there is
            raise

    async def _plan(self, request: PlanRequest) -> Plan:
        applied = await self._specs.newest()
        given, findings = await asyncio.to_thread(read_resources, request.documents, applied.site.resources)
        _refuse(findings)
        known = self.texts.addresses(request.texts)
        if any(str(resource.address) in known for resource in given):
            raise TextsNeeded(texts=request.texts)
        if request.trusted:
            await self.texts.learn(request.documents, given, applied)
        given = [*(applied.site.resources[address] for address in known), *given]
        wanted = merge(applied.site.resources, given, request.scope)
        site, merged = await asyncio.to_thread(resolved_over, applied.site, wanted)
        plan = await self._make(applied, site, merged, self._new_id(), request.limits)
        if self._secrets is not None:
            changed = [wanted[change.address] for change in plan.resource_changes if change.after]
            secrets = list(secret_findings(changed, self._secrets))
            _refuse(secrets)
            findings = [*findings, *secrets]
        refuse_unplaced(plan, known)
        return replace(plan, warnings=(*findings, *plan.warnings))

    async def back_to(self, revision: int, scope: Scope, limits: Limits) -> Plan:
        """Return the plan that makes what is applied as `revision` left it, within `scope`.

        As with any plan, what came since stays unless the scope says prune; a warning then names it. Raises
        FwdctlError where there is no such revision, InvalidSpecs where its specs no longer hold.
        """
        stored = await self._store.resources_at(revision)
        if not stored:
            raise FwdctlError(
                f"revision {revision} holds nothing to go back to", hint="fwdctl history --kind apply lists revisions"
            )
        documents = [Document(resource.content, f"revision {revision}", NOWHERE) for resource in stored]
        plan = await self.plan(PlanRequest(documents, scope, limits))
        if scope.prune:
            return plan
        then = {resource.address for resource in stored}
        now = (await self._specs.current()).site.resources
        since = [address for address in now if address not in then and scope.holds(address, now[address])]
        return replace(plan, warnings=(*plan.warnings, *_staying(since, revision)))

    async def again(self, plan: Plan, limits: Limits) -> Plan:
        """Return the same change planned against what is applied and live now; raises InvalidSpecs.

        Where it is applied next, what it leads to is known already; see `AppliedSpecs.foresee`.
        """
        applied = await self._specs.newest()
        written = [change.after for change in plan.resource_changes if change.after is not None]
        resources, findings = await asyncio.to_thread(from_contents, written)
        _refuse(findings)
        wanted = carry_out(plan.resource_changes, applied.site.resources, resources)
        site, merged = await asyncio.to_thread(resolved_over, applied.site, wanted)
        self._specs.foresee(site)
        return await self._make(applied, site, merged, plan.plan_id, limits)

    async def leftover(self, plan: Plan) -> tuple[str, ...]:
        """Return the addresses of a plan's changes that are not what is applied: those that a new plan would have."""
        applied = (await self._specs.newest()).site.resources
        return tuple(change.address for change in plan.resource_changes if not _holds(applied, change))

    async def _make(
        self, applied: Applied, site: Site, findings: Sequence[Diagnostic], plan_id: str, limits: Limits
    ) -> Plan:
        now = self._clock.now()
        state, live = await self._store.interventions(now), await live_of_all(self._relay)
        moment = Moment(
            now=now,
            live=live,
            interventions=state,
            bases=await self._specs.bases(state.holds),
            pending=(*[pending async for pending in self._lagging(live)], *_held_back(state)),
            absent=self._absent(live),
        )
        plan = await asyncio.to_thread(
            plan_towards, applied, site, moment, plan_id=plan_id, limits=limits, findings=findings
        )
        return replace(plan, warnings=(*plan.warnings, *superseded(plan.chargers, moment.live)))

    async def _lagging(self, live: Mapping[str, LiveCharger]) -> AsyncIterator[Pending]:
        connected = sorted(name for name, session in live.items() if session.connected)
        async for name in breathing(connected):
            standing = self._controller.standing(name, live[name])
            if standing.state not in (State.IN_SYNC, State.OFFLINE):
                yield Pending(standing.charger, "; ".join(standing.differences))

    def _absent(self, live: Mapping[str, LiveCharger]) -> Absent:
        """Return who was offline when it was told what to run, and was not seen to run it since."""
        desired, courses = self._controller.desired, self._controller.courses
        told = (name for name, course in courses.items() if isinstance(course.outcome, Deferred) and name in desired)
        away = [name for name in told if (session := live.get(name)) is None or not session.connected]
        return Absent(len(away), tuple(nsmallest(_ABSENT_NAMED, away)))


def _holds(applied: Mapping[str, Resource], change: ResourceChange) -> bool:
    """Tell whether what is applied is what the change leads to."""
    resource = applied.get(change.address)
    return (resource.content if resource is not None else None) == change.after


def _held_back(state: Interventions) -> Iterator[Pending]:
    """Yield the chargers that an apply has not come to; those that are paused say so by themselves."""
    for hold in state.holds:
        if not hold.paused:
            yield Pending(hold.charger, hold_text(hold))


def _staying(since: Sequence[str], revision: int) -> Iterator[Diagnostic]:
    if since:
        named = ", ".join(since[:_NAMED]) + (f" and {len(since) - _NAMED} more" if len(since) > _NAMED else "")
        summary = f"applied after revision {revision}, and not deleted: {named}"
        yield Diagnostic(Severity.WARNING, summary, hint="--prune deletes them")


def _refuse(findings: Sequence[Diagnostic]) -> None:
    if has_errors(findings):
        count = sum(finding.severity is Severity.ERROR for finding in findings)
        raise InvalidSpecs(f"{count} error{'' if count == 1 else 's'} in the specs", by_position(findings))
