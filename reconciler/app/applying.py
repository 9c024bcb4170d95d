"""Use case apply: one atomic commit of what a plan says, then every charger that it touches is brought there.

    lock ── plan again ── stale? guard? window? ── commit ── ask the relay, charger by charger ── is a new plan empty?

Until the commit nothing has changed. After it the specs are applied, whatever becomes of this process: the
controller goes on with the chargers.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.controller import PARALLELISM, Controller
from reconciler.app.courses import Cause, ChargerResult, Verdict, exit_code_of
from reconciler.app.lease import hold_lock
from reconciler.app.planning import Planning
from reconciler.app.ports import Clock, ResourceWrite, RevisionMeta, Store
from reconciler.app.refusing import refuse_blocked, window_to_wait_for
from reconciler.errors import FwdctlError, StalePlan
from reconciler.model.history import HistoryEvent
from reconciler.model.plan import Disruption, Plan
from reconciler.planning.guard import Limits
from reconciler.planning.planner import staleness
from reconciler.planning.render import chargers

_REASONS_NAMED: Final = 3
LOOK_AGAIN_S: Final = 1.0
"""How often the clock is looked at while a change window is waited for."""


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """Which plan to apply, for whom, and what the caller allows.

    `lock_timeout_s` is how long to wait for another writer; `parallelism` how many chargers change at once.
    """

    plan: Plan
    actor: str
    reason: str = ""
    git_author: str = ""
    git_commit: str = ""
    limits: Limits = field(default_factory=Limits)
    parallelism: int = PARALLELISM
    lock_timeout_s: float = 0.0
    wait_for_window: bool = False
    """Where nothing but a change window says no: wait until it lets the change through."""


@dataclass(frozen=True, slots=True)
class ApplyProgress:
    """One step of an apply as it happens; `result` only where the step is a charger."""

    step: Literal["locked", "waiting", "committed", "charger", "done"]
    done: int = 0
    total: int = 0
    result: ChargerResult | None = None
    eligible_at: datetime | None = None
    """Only for `waiting`: when a change window will let it through."""


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What an apply did: the revision it made, and what became of each charger, by name.

    `leftover` are the addresses that a new plan would still change: none, or something is wrong.
    """

    plan_id: str
    revision: int
    results: tuple[ChargerResult, ...] = ()
    leftover: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many chargers came to which verdict."""
        verdicts = [result.verdict for result in self.results]
        return {verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}

    @property
    def exit_code(self) -> int:
        """Return 0 where all is applied or deferred, 7 where chargers failed, 1 where a new plan is not empty."""
        return FwdctlError.exit_code if self.leftover else exit_code_of(self.results)


OnProgress = Callable[[ApplyProgress], None]


class Applying:
    """Applies plans, one at a time."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        specs: AppliedSpecs,
        planning: Planning,
        controller: Controller,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs
        self._planning = planning
        self._controller = controller
        self._new_id = new_id

    async def apply(self, request: ApplyRequest, on_progress: OnProgress = lambda progress: None) -> ApplyResult:
        """Apply the plan and return what came of it; a charger that fails does not stop the others.

        Raises LockHeld, StalePlan, GuardTripped, OutsideChangeWindow or InvalidSpecs: then nothing was changed.
        """
        plan = request.plan
        if plan.is_empty:
            return ApplyResult(plan.plan_id, plan.base_revision)
        if request.limits.override_window and not request.reason.strip():
            raise FwdctlError("to override a change window needs a reason", hint="say why, for history: --reason TEXT")
        if request.wait_for_window:
            await self._wait_for_window(request, on_progress)
        holder = f"{request.actor} ({self._new_id()})"
        purpose = f"apply of plan {plan.plan_id}"
        async with hold_lock(
            self._store, self._clock, holder=holder, purpose=purpose, timeout_s=request.lock_timeout_s
        ) as lease:
            on_progress(ApplyProgress("locked"))
            fresh = await self._planning.again(plan, request.limits)
            _refuse_stale(plan, fresh)
            refuse_blocked(fresh.blocked)
            lease.check()
            revision = await self._commit(request)
            on_progress(ApplyProgress("committed", total=len(fresh.chargers)))
            await self._specs.load()
            results = await self._reach(request, fresh, revision, on_progress)
            result = ApplyResult(plan.plan_id, revision, results, await self._leftover(request))
            await self._record(request, revision, _outcome_text(result), result.counts)
        on_progress(ApplyProgress("done", done=len(results), total=len(results)))
        return result

    async def _wait_for_window(self, request: ApplyRequest, on_progress: OnProgress) -> None:
        """Return once no change window says no, or something else does, which the apply itself will tell.

        The lock is not held meanwhile. The clock is looked at again and again: it may be set, or the machine sleep.
        """
        told: datetime | None = None
        while True:
            fresh = await self._planning.again(request.plan, request.limits)
            _refuse_stale(request.plan, fresh)
            eligible_at = window_to_wait_for(fresh.blocked)
            if eligible_at is None:
                return
            if eligible_at != told:
                told = eligible_at
                on_progress(ApplyProgress("waiting", eligible_at=eligible_at))
            await self._until(eligible_at)

    async def _until(self, moment: datetime) -> None:
        while True:
            left_s = (moment - self._clock.now()).total_seconds()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, LOOK_AGAIN_S))

    async def _commit(self, request: ApplyRequest) -> int:
        writes = [
            ResourceWrite(change.address, change.after, change.seen_version) for change in request.plan.resource_changes
        ]
        meta = RevisionMeta(self._clock.now(), request.actor, request.reason, request.git_author, request.git_commit)
        revision = await self._store.commit_revision(writes, meta, request.plan.plan_id)
        await self._record(request, revision, _summary_text(request.plan), {})
        return revision

    async def _reach(
        self, request: ApplyRequest, fresh: Plan, revision: int, on_progress: OnProgress
    ) -> tuple[ChargerResult, ...]:
        names = fresh.chargers
        self._controller.expect(names, Cause(request.actor, request.reason, revision, request.limits.override_window))
        await self._controller.look(self._clock.now())
        foretold = _foretold(fresh, self._controller)
        done = 0

        def heard(result: ChargerResult) -> None:
            nonlocal done
            done += 1
            on_progress(ApplyProgress("charger", done, len(names), foretold(result)))

        results = await self._controller.reach(names, parallelism=request.parallelism, on_result=heard)
        self._controller.wake()
        return tuple(map(foretold, results))

    async def _leftover(self, request: ApplyRequest) -> tuple[str, ...]:
        again = await self._planning.again(request.plan, request.limits)
        return tuple(change.address for change in again.resource_changes)

    async def _record(self, request: ApplyRequest, revision: int, summary: str, counts: Mapping[str, int]) -> None:
        details = {"plan_id": request.plan.plan_id, "git_author": request.git_author, "git_commit": request.git_commit}
        event = HistoryEvent(
            at=self._clock.now(),
            kind="apply",
            summary=summary,
            actor=request.actor,
            reason=request.reason,
            revision=revision,
            details={**{key: value for key, value in details.items() if value}, **counts},
        )
        await self._store.record([event])


def _refuse_stale(plan: Plan, fresh: Plan) -> None:
    if reasons := staleness(plan, fresh):
        named = "; ".join(reasons[:_REASONS_NAMED])
        more = f"; and {len(reasons) - _REASONS_NAMED} more" if len(reasons) > _REASONS_NAMED else ""
        raise StalePlan(f"the plan no longer holds: {named}{more}", hint="make a new one: fwdctl plan")


def _foretold(fresh: Plan, controller: Controller) -> Callable[[ChargerResult], ChargerResult]:
    """Return what turns a refusal that the plan announced into `deferred`, or `skipped` where the policy says so."""
    waiting = {
        name: effect.until
        for effect in fresh.effects
        if effect.disruption is Disruption.REFUSED
        for name in effect.chargers
    }

    def judge(result: ChargerResult) -> ChargerResult:
        if result.verdict is not Verdict.FAILED or result.charger not in waiting:
            return result
        desired = controller.desired.get(result.charger)
        skips = desired is not None and desired.flip.open_transaction == "skip"
        verdict = Verdict.SKIPPED if skips else Verdict.DEFERRED
        return replace(result, verdict=verdict, reason=f"refused until {waiting[result.charger]}")

    return judge


def _summary_text(plan: Plan) -> str:
    counts = plan.summary
    return f"committed: {counts.add} added, {counts.change} changed, {counts.destroy} destroyed"


def _outcome_text(result: ApplyResult) -> str:
    told = ", ".join(f"{count} {verdict}" for verdict, count in result.counts.items())
    return f"{chargers(len(result.results))} asked: {told}" if told else "no charger is touched"
