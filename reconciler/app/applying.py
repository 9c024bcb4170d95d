"""Use case apply: one atomic commit of what a plan says, then every charger that it touches is brought there.

    lock ── journal ── plan again ── stale? guard? window? ── commit ── rollout, turn by turn ── is a new plan empty?

Until the commit nothing has changed. After it the specs are applied, and the journal says whose turn it is: whatever
becomes of this process, another one resumes there.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from reconciler.app.api_contract import error_to_json
from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.apply_order import ApplyRequest as ApplyRequest
from reconciler.app.apply_order import begun, ordered, steps_of
from reconciler.app.comebacks import until_back
from reconciler.app.controller import Controller
from reconciler.app.courses import Cause, ChargerResult, Verdict, exit_code_of
from reconciler.app.lease import Lease, hold_lock
from reconciler.app.planning import Planning
from reconciler.app.ports import Clock, HistoryFilter, ResourceWrite, RevisionMeta, RolloutCommit, Store
from reconciler.app.refusing import refuse_blocked, window_to_wait_for
from reconciler.app.rollout import TO_COME, Ending, RolloutRun, StopRequest, Told
from reconciler.app.tasks import Report
from reconciler.errors import AppliedInPart, FwdctlError, NotApplied, StalePlan
from reconciler.model.history import HistoryEvent
from reconciler.model.plan import Plan
from reconciler.model.rollouts import UNFINISHED, Hold, Rollout, RolloutState, Step
from reconciler.planning.pacing import canaries
from reconciler.planning.planner import staleness
from reconciler.planning.render import chargers

_REASONS_NAMED: Final = 3
_LATER: Final = "fwdctl apply does it another time; a saved plan is not used up"
_ANEW: Final = "make a new one: fwdctl plan; fwdctl apply -f plans anew"
LOOK_AGAIN_S: Final = 1.0
"""How often the clock is looked at while a change window is waited for."""


class ApplyProgress(msgspec.Struct, frozen=True, gc=False):
    """One step of an apply as it happens; `result` only where the step is a charger."""

    step: Literal["locked", "waiting", "returning", "committed", "charger", "canary", "stopped", "done"]
    """`returning`: taken up again, and `done` of `total` chargers that were connected before are so again."""
    done: int = 0
    total: int = 0
    result: ChargerResult | None = None
    eligible_at: datetime | None = None
    """Only for `waiting`: when a change window will let it through."""
    why: str = ""
    """For `stopped`; for `returning` until when the others are waited for, "" once they no longer are."""


class ApplyResult(msgspec.Struct, frozen=True):
    """What an apply did: the revision it made, and what became of each charger, by name.

    `leftover` are the addresses that a new plan would still change: none, or something is wrong. `stopped` says why
    not every charger had its turn, "" where they had; the others run as before.
    """

    plan_id: str
    revision: int
    results: tuple[ChargerResult, ...] = ()
    leftover: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many chargers came to which verdict."""
        verdicts = [result.verdict for result in self.results]
        return {verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}

    @property
    def exit_code(self) -> int:
        """Return 0 where all is applied or deferred, 7 where chargers failed or had no turn, 1 where a plan is left."""
        if self.leftover:
            return FwdctlError.exit_code
        return AppliedInPart.exit_code if self.stopped else exit_code_of(self.results)


OnProgress = Callable[[ApplyProgress], None]


class Applying:
    """Applies plans, one at a time; `node` names this server in the journal, `chance` gives numbers in 0..1."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        specs: AppliedSpecs,
        planning: Planning,
        controller: Controller,
        new_id: Callable[[], str],
        *,
        node: str,
        chance: Callable[[], float],
        report: Report,
    ) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs
        self._planning = planning
        self._controller = controller
        self._new_id = new_id
        self._node = node
        self._chance = chance
        self._report = report
        self._began_s = clock.monotonic_s()

    async def apply(
        self,
        request: ApplyRequest,
        on_progress: OnProgress = lambda progress: None,
        stop: StopRequest | None = None,
    ) -> ApplyResult:
        """Apply the plan and return what came of it; a charger that fails does not stop the others.

        Raises LockHeld, StalePlan, GuardTripped, OutsideChangeWindow or InvalidSpecs: then nothing was changed.
        """
        plan = request.plan
        if plan.is_empty:
            return ApplyResult(plan.plan_id, plan.base_revision)
        if request.limits.override_window and not request.reason.strip():
            raise FwdctlError("to override a change window needs a reason", hint="say why, for history: --reason TEXT")
        stop = stop or StopRequest()
        if request.wait_for_window:
            await self._wait_for_window(request, on_progress, stop)
        request = replace(request, id=request.id or self._new_id())
        async with self._locked(request, stop) as lease:
            on_progress(ApplyProgress("locked"))
            rollout = begun(request, node=self._node, holder=lease.holder, at=self._clock.now())
            await self._store.begin_rollout(rollout)
            return await self._carry_out(rollout, request, _Course(lease, stop, on_progress))

    async def resume(
        self,
        rollout: Rollout,
        on_progress: OnProgress = lambda progress: None,
        stop: StopRequest | None = None,
    ) -> ApplyResult:
        """Go on with an apply that was stopped, or whose server died, where its journal ends; as `apply` otherwise.

        Raises FwdctlError where it has ended meanwhile.
        """
        request = ordered(rollout)
        if rollout.node == self._node:
            await self._store.release_lock(rollout.holder)  # an earlier process of this server: it is dead
        stop = stop or StopRequest()
        async with self._locked(request, stop) as lease:
            if not await self._store.take_over_rollout(rollout.id, node=self._node, holder=lease.holder):
                raise FwdctlError(f"apply {rollout.id} has ended", hint="what it did: fwdctl history --kind apply")
            on_progress(ApplyProgress("locked"))
            newest = await self._store.rollout(rollout.id) or rollout
            course = _Course(lease, stop, on_progress)
            course.expected = await self._until_back(rollout, request, course)
            return await self._carry_out(newest, request, course)

    async def orphans(self) -> tuple[Rollout, ...]:
        """Return the applies that nobody carries out: their server died, and holds no lock any more."""
        rollouts = await self._store.open_rollouts()
        if not rollouts:
            return ()
        lock = await self._store.lock(self._clock.now())
        return tuple(
            rollout
            for rollout in rollouts
            if rollout.node == self._node or lock is None or lock.holder != rollout.holder
        )

    async def recall(self) -> None:
        """Have the controller know what chargers ran that a dead server had begun with: when they are back it is late.

        To be awaited before stations are let in.
        """
        for rollout in await self.orphans():
            if rollout.revision is not None:
                steps = await self._store.rollout_steps(rollout.id)
                ran = await self._ran(steps, rollout.revision)
                order = rollout.order
                at_any_time = bool(order["limits"]["override_window"])
                cause = Cause(order["actor"], order["reason"], rollout.revision, at_any_time)
                self._controller.expect(ran, cause, ran)

    def _locked(self, request: ApplyRequest, stop: StopRequest) -> AbstractAsyncContextManager[Lease]:
        return hold_lock(
            self._store,
            self._clock,
            holder=f"{request.actor} ({self._new_id()})",
            purpose=f"apply {request.id}",
            report=self._report,
            timeout_s=request.lock_timeout_s,
            check=lambda: _refuse_stopped(stop),
        )

    async def _carry_out(self, rollout: Rollout, request: ApplyRequest, course: "_Course") -> ApplyResult:
        if rollout.revision is None:
            try:
                revision = await self._commit(rollout, request, course)
            except FwdctlError as error:
                outcome = {"refused": error.summary, "error": error_to_json(error)["error"]}
                now = self._clock.now()
                await self._store.end_rollout(rollout.id, rollout.holder, RolloutState.REFUSED, outcome, now)
                raise
        else:
            revision = rollout.revision
        await self._specs.load()
        steps = await self._store.rollout_steps(rollout.id)
        with self._controller.in_hand.taken(step.charger for step in steps if step.state in TO_COME):
            ending = await self._reach(rollout, steps, request, revision, course)
            result = await self._ended(rollout, request, revision, ending)
        self._controller.wake()
        last: Literal["stopped", "done"] = "stopped" if ending.stopped else "done"
        count = len(ending.results)
        course.tell(ApplyProgress(last, done=count, total=count, why=ending.stopped))
        return result

    async def _ended(self, rollout: Rollout, request: ApplyRequest, revision: int, ending: Ending) -> ApplyResult:
        """Write down how it ended, and return that."""
        result = ApplyResult(
            request.plan.plan_id, revision, ending.results, await self._planning.leftover(request.plan), ending.stopped
        )
        state = RolloutState.STOPPED if ending.stopped else RolloutState.DONE
        outcome = {"leftover": list(result.leftover), "stopped": result.stopped}
        await self._store.end_rollout(rollout.id, rollout.holder, state, outcome, self._clock.now())
        await self._record(request, revision, _outcome_text(result), result.counts)
        return result

    async def _until_back(self, rollout: Rollout, request: ApplyRequest, course: "_Course") -> Collection[str]:
        """Return the chargers still to be brought there that the plan found connected, once they are so again.

        They have some time from when their server's apply is taken up; where it was stopped, the server may have gone
        on, and they have it since this one began.
        """
        expected = {name for effect in request.plan.effects for name in effect.chargers}
        if rollout.revision is not None:
            steps = await self._store.rollout_steps(rollout.id)
            expected &= {step.charger for step in steps if step.state in TO_COME}
        since_s = self._began_s if rollout.state is RolloutState.STOPPED else self._clock.monotonic_s()
        await until_back(
            self._controller,
            self._clock,
            expected,
            since_s,
            told=lambda back, why: course.tell(ApplyProgress("returning", back, len(expected), why=why)),
            enough=lambda: course.lease.lost or bool(course.stop.by),
        )
        return expected

    async def _wait_for_window(self, request: ApplyRequest, on_progress: OnProgress, stop: StopRequest) -> None:
        """Return once no change window says no, or something else does, which the apply itself will tell.

        The lock is not held meanwhile. The clock is looked at again and again: it may be set, or the machine sleep.
        """
        told: datetime | None = None
        while True:
            fresh = await self._planning.again(request.plan, request.limits)
            await self._refuse_stale(request.plan, fresh)
            eligible_at = window_to_wait_for(fresh.blocked)
            if eligible_at is None:
                return
            if eligible_at != told:
                told = eligible_at
                on_progress(ApplyProgress("waiting", eligible_at=eligible_at))
            await self._until(eligible_at, stop)

    async def _until(self, moment: datetime, stop: StopRequest) -> None:
        while True:
            _refuse_stopped(stop)
            left_s = (moment - self._clock.now()).total_seconds()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, LOOK_AGAIN_S))

    async def _commit(self, rollout: Rollout, request: ApplyRequest, course: "_Course") -> int:
        plan = request.plan
        fresh = await self._planning.again(plan, request.limits)
        await self._refuse_stale(plan, fresh)
        refuse_blocked(fresh.blocked)
        course.lease.check()
        _refuse_stopped(course.stop)
        writes = [ResourceWrite(change.address, change.after, change.seen_version) for change in plan.resource_changes]
        meta = RevisionMeta(
            self._clock.now(),
            request.actor,
            request.reason,
            request.git_author,
            request.git_commit,
            request.limits.override_window,
        )
        holds = (await self._store.interventions(self._clock.now())).holds
        steps = steps_of(fresh, holds, canaries(fresh.effects, request.pace.canary))
        committed = RolloutCommit(rollout.id, rollout.holder, steps)
        revision = await self._store.commit_revision(writes, meta, plan.plan_id, committed, base=plan.base_revision)
        await self._record(request, revision, _summary_text(plan), {})
        return revision

    async def _reach(
        self, rollout: Rollout, steps: Sequence[Step], request: ApplyRequest, revision: int, course: "_Course"
    ) -> Ending:
        cause = Cause(request.actor, request.reason, revision, request.limits.override_window)
        self._controller.expect([step.charger for step in steps], cause)
        done = sum(step.state not in UNFINISHED for step in steps)
        total = len(steps)
        course.tell(ApplyProgress("committed", done=done, total=total))

        def heard(result: ChargerResult) -> None:
            nonlocal done
            done += 1
            course.tell(ApplyProgress("charger", done, total, result))

        told = Told(heard, lambda count: course.tell(ApplyProgress("canary", count, count)))
        run = RolloutRun(
            self._store,
            self._clock,
            self._controller,
            rollout,
            request.pace,
            lease=course.lease,
            stop=course.stop,
            chance=self._chance,
            told=told,
            expected=course.expected,
        )
        return await run.run(steps)

    async def _ran(self, steps: Sequence[Step], revision: int) -> Mapping[str, Mapping[str, str]]:
        """Return who owned what on the chargers whose flip was not written before their server died."""
        flips = await self._store.history(HistoryFilter(kind="flip", revision=revision, limit=len(steps)))
        written = {flip.charger for flip in flips}
        begun = [step for step in steps if step.state in UNFINISHED and step.charger not in written]
        try:
            bases = await self._specs.bases(Hold(step.charger, step.base, "") for step in begun)
        except FwdctlError:
            return {}  # history may be poorer for it; the apply goes on
        ran = ((step.charger, bases[step.base].chargers.get(step.charger)) for step in begun)
        return {name: before.owners for name, before in ran if before is not None}

    async def _refuse_stale(self, plan: Plan, fresh: Plan) -> None:
        """Raise StalePlan where `plan` is not what it would be now; one that was used says that instead."""
        reasons = staleness(plan, fresh)
        if not reasons:
            return
        if (used := await self._store.revision_of_plan(plan.plan_id)) is not None:
            raise StalePlan(f"this plan was applied before, as revision {used}", hint=_ANEW)
        named = "; ".join(reasons[:_REASONS_NAMED])
        more = f"; and {len(reasons) - _REASONS_NAMED} more" if len(reasons) > _REASONS_NAMED else ""
        raise StalePlan(f"the plan no longer holds: {named}{more}", hint=_ANEW)

    async def _record(self, request: ApplyRequest, revision: int, summary: str, counts: Mapping[str, int]) -> None:
        details = {
            "apply": request.id,
            "plan_id": request.plan.plan_id,
            "git_author": request.git_author,
            "git_commit": request.git_commit,
        }
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


def _refuse_stopped(stop: StopRequest) -> None:
    """Raise where somebody no longer wants an apply that has changed nothing so far."""
    if stop.by:
        raise NotApplied(f"not applied: {stop.by} asked to stop before anything was changed", hint=_LATER)


def _summary_text(plan: Plan) -> str:
    counts = plan.summary
    return f"committed: {counts.add} added, {counts.change} changed, {counts.destroy} destroyed"


def _outcome_text(result: ApplyResult) -> str:
    told = ", ".join(f"{count} {verdict}" for verdict, count in result.counts.items())
    stopped = f"stopped, {result.stopped}; " if result.stopped else ""
    return f"{stopped}{chargers(len(result.results))} asked: {told}" if told else "no charger is touched"


@dataclass(slots=True)
class _Course:
    """What goes with an apply while it runs: its lease, the wish to stop it, who hears of it, whom it waited for."""

    lease: Lease
    stop: StopRequest
    tell: OnProgress
    expected: Collection[str] = ()
