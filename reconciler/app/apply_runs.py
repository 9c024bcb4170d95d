"""Apply runs: applies that go on in the server whether or not anybody follows them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol
from zlib import crc32

from msgspec.structs import replace

from reconciler.app.apply_journal import refusal_of, result_as_journalled
from reconciler.app.applying import ApplyProgress, ApplyRequest, ApplyResult, OnProgress
from reconciler.app.lease import RENEW_EVERY_S
from reconciler.app.ports import Metrics
from reconciler.app.recent_plans import RecentPlans
from reconciler.app.rollout import StopRequest
from reconciler.app.tasks import Background, Report
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.model.rollouts import Rollout, RolloutState, Step

KEPT_RUNS: Final = 50
"""Runs that are remembered step by step after they are done; of others the journal says what they came to."""

LOOK_AGAIN_S: Final = 1.0
"""How long news of another process's run may be unheard of: its journal is looked at again after that."""

GATHER_S: Final = 0.2
"""How long news waits for more of it: who follows ten thousand chargers asks some times a second, not some hundred."""

ADOPT_EVERY_S: Final = RENEW_EVERY_S


@dataclass(slots=True, eq=False)
class ApplyRun:
    """One apply as it goes: `result` or `error` once it is done, and then when it began and ended, by the journal."""

    id: str
    progress: list[ApplyProgress] = field(default_factory=list)
    result: ApplyResult | None = None
    error: FwdctlError | None = None
    stop: StopRequest = field(default_factory=StopRequest)
    first: int = 0
    """The number of its first step, for who follows it: one that goes on in another process counts from elsewhere."""
    elsewhere: bool = False
    """Known by the journal only: another process carries it out, or ended it."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> bool:
        """Return True once nothing more will come."""
        return self.result is not None or self.error is not None

    @property
    def exit_code(self) -> int | None:
        """Return the exit code of a run that is done."""
        if self.error is not None:
            return self.error.exit_code
        return self.result.exit_code if self.result is not None else None

    def seen_here(self, number: int) -> int:
        """Return how many steps somebody has seen who was last told `number`; none where that was another process."""
        count = number - self.first
        return count if 0 <= count <= len(self.progress) and not self.elsewhere else 0

    def number(self, seen: int) -> int:
        """Return what to tell who is told all steps so far and was last told `seen`."""
        return seen if self.elsewhere else self.first + len(self.progress)

    async def wait_for_news(self, seen: int, wait_s: float) -> None:
        """Return once there are more than `seen` steps of progress or the run is done, at the latest after `wait_s`.

        Steps that follow one another closely are waited for together; nothing comes of a run that is elsewhere.
        """
        if self.elsewhere:
            wait_s = min(wait_s, LOOK_AGAIN_S)
        try:
            async with asyncio.timeout(wait_s) as limit:
                while not self.done and len(self.progress) <= seen:
                    await self._news.wait()
                limit.reschedule(asyncio.get_running_loop().time() + min(wait_s, GATHER_S))
                await self._over.wait()
        except TimeoutError:
            return  # no news is an answer too

    def tell(self) -> None:
        """Wake whoever waits for news."""
        self._news.set()
        self._news = asyncio.Event()
        if self.done:
            self._over.set()


class Applies(Protocol):
    """What carries applies out: the use cases of `Applying` and `AcceptedApplies`."""

    async def accept(self, request: ApplyRequest) -> None:
        """Write an apply down before anybody hears of it."""

    async def refuse(self, id: str, error: FwdctlError) -> None:
        """Write down why it did not begin; harmless where it has."""

    async def apply(self, request: ApplyRequest, on_progress: OnProgress, stop: StopRequest) -> ApplyResult:
        """Apply a plan."""

    async def resume(self, rollout: Rollout, on_progress: OnProgress, stop: StopRequest) -> ApplyResult:
        """Go on where the journal of an apply ends."""

    async def orphans(self) -> tuple[Rollout, ...]:
        """Return the applies that nobody carries out."""

    async def rollout(self, id: str) -> Rollout | None:
        """Return an apply as it is in the journal."""

    async def rollout_steps(self, id: str) -> tuple[Step, ...]:
        """Return its chargers as they are in the journal."""


class ApplyRuns:
    """Starts applies, takes over those whose server died, and remembers the last of them."""

    def __init__(
        self,
        applies: Applies,
        background: Background,
        report: Report,
        metrics: Metrics,
        new_id: Callable[[], str],
    ) -> None:
        self._applies = applies
        self._background = background
        self._report = report
        self._metrics = metrics
        self._new_id = new_id
        self._runs: dict[str, ApplyRun] = {}
        self.plans = RecentPlans()
        """What can be applied without being planned again."""
        self.stop_elsewhere: Callable[[Rollout, str], Awaitable[None]] | None = None
        """Passes on who wants an apply of another server to stop; None where there is no other."""

    async def start(self, request: ApplyRequest) -> ApplyRun:
        """Start an apply and return it; it needs nobody to wait for it, and every server of the database knows it."""
        run = ApplyRun(self._new_id())
        named = replace(request, id=run.id)
        await self._applies.accept(named)
        self.plans.begun(request.plan.plan_id, run.id)
        return self._go(run, lambda tell: self._applies.apply(named, tell, run.stop))

    async def resume(self, run_id: str) -> ApplyRun:
        """Go on with an apply that was stopped or whose server died, and return it; one that runs is just returned.

        Raises UnknownAddress where there is none of that id, FwdctlError where it has ended.
        """
        running = self._runs.get(run_id)
        if running is not None and not running.done:
            return running
        rollout = await self._applies.rollout(run_id)
        if rollout is None:
            raise _unknown(run_id)
        if rollout.state is RolloutState.ACCEPTED:
            raise FwdctlError(f"apply {run_id} waits to begin at {_server(rollout)}", hint=_follow(run_id))
        if rollout.state in (RolloutState.DONE, RolloutState.REFUSED):
            raise FwdctlError(
                f"apply {run_id} has ended ({rollout.state})", hint="what it did: fwdctl history --kind apply"
            )
        return self._take_over(rollout)

    async def adopt(self) -> None:
        """Take over, now and from time to time, the applies whose server died; runs until cancelled."""
        while True:
            try:
                for rollout in await self._applies.orphans():
                    known = self._runs.get(rollout.id)
                    if known is None or known.done:
                        self._take_over(rollout)
            except FwdctlError as error:
                self._report("applies to take over", error)
            await asyncio.sleep(ADOPT_EVERY_S)

    def find(self, run_id: str) -> ApplyRun:
        """Return a run of this process; raises UnknownAddress where there is none of that id (any more)."""
        run = self._runs.get(run_id)
        if run is None:
            raise _unknown(run_id)
        return run

    def recent(self) -> tuple[ApplyRun, ...]:
        """Return the runs of this process, newest first."""
        return tuple(reversed(self._runs.values()))

    async def look_up(self, run_id: str) -> ApplyRun:
        """Return a run; by the journal where another process carries it out or ended it. Raises UnknownAddress."""
        run = self._runs.get(run_id)
        if run is not None and (not run.done or run.ended_at is not None):
            return run
        rollout = await self._applies.rollout(run_id)
        if rollout is None:
            if run is None:
                raise _unknown(run_id)
            return run  # refused before there was anything to journal
        found = run or await self._journalled(rollout)
        found.started_at, found.ended_at = rollout.started_at, rollout.ended_at
        return found

    async def _journalled(self, rollout: Rollout) -> ApplyRun:
        """Return the run of another process, or of an earlier one."""
        run_id = rollout.id
        if rollout.state in (RolloutState.ACCEPTED, RolloutState.OPEN):
            return ApplyRun(run_id, elsewhere=True)  # another process has it, or nobody has taken it over: no news
        if rollout.state is RolloutState.REFUSED:
            return ApplyRun(run_id, error=refusal_of(rollout), elsewhere=True)
        result = result_as_journalled(rollout, await self._applies.rollout_steps(run_id))
        last: Literal["stopped", "done"] = "stopped" if result.stopped else "done"
        count = len(result.results)
        return ApplyRun(run_id, [ApplyProgress(last, count, count, why=result.stopped)], result, elsewhere=True)

    async def stop(self, run_id: str, by: str, *, here: bool = False) -> ApplyRun:
        """Ask a run to stop after the chargers that are under way, and return it; `here`: where this server has it.

        Raises UnknownAddress, and FwdctlError where it has ended, or the server that carries it out can't be told.
        """
        run = self._runs.get(run_id)
        if run is not None:
            run.stop.by = by
            return run
        rollout = await self._applies.rollout(run_id)
        if rollout is None:
            raise _unknown(run_id)
        if rollout.ended_at is not None:
            raise FwdctlError(f"apply {run_id} has ended ({rollout.state})", hint=_follow(run_id))
        if here or self.stop_elsewhere is None:
            raise FwdctlError(f"{_server(rollout)} carries out apply {run_id}", hint="ask that one to stop it")
        await self.stop_elsewhere(rollout, by)
        return ApplyRun(run_id, elsewhere=True)

    def _take_over(self, rollout: Rollout) -> ApplyRun:
        run = ApplyRun(rollout.id, first=crc32(self._new_id().encode()))
        return self._go(run, lambda tell: self._applies.resume(rollout, tell, run.stop))

    def _go(self, run: ApplyRun, work: Callable[[OnProgress], Awaitable[ApplyResult]]) -> ApplyRun:
        self._forget_old()
        self._runs[run.id] = run
        self._background.start(self._carry_out(run, work), name=f"apply {run.id}")
        return run

    async def _carry_out(self, run: ApplyRun, work: Callable[[OnProgress], Awaitable[ApplyResult]]) -> None:
        def heard(progress: ApplyProgress) -> None:
            run.progress.append(progress)
            run.tell()

        try:
            run.result = await work(heard)
            self._metrics.gauge("last_apply_revision", run.result.revision)
        except FwdctlError as error:
            run.error = error
        except asyncio.CancelledError:
            run.error = _cut_off(run)
            raise
        except Exception as error:  # noqa: BLE001 - whoever follows must learn that it ended
            self._report(f"apply {run.id}", error)
            run.error = FwdctlError(
                "the server failed unexpectedly during the apply", hint=f"its log has the details under apply {run.id}"
            )
        finally:
            self._metrics.count("applies", exit_code=str(run.exit_code))
            run.tell()
        if run.error is not None:
            await self._refused(run.id, run.error)

    async def _refused(self, run_id: str, error: FwdctlError) -> None:
        """Have the other servers know, too, where nothing had begun."""
        try:
            await self._applies.refuse(run_id, error)
        except FwdctlError as trouble:
            self._report(f"apply {run_id}", trouble)

    def _forget_old(self) -> None:
        over = [run.id for run in self._runs.values() if run.done][: max(0, len(self._runs) - KEPT_RUNS + 1)]
        for run_id in over:
            del self._runs[run_id]


def _cut_off(run: ApplyRun) -> FwdctlError:
    """Return what to say of a run that the server's end cuts off."""
    if not any(step.step == "locked" for step in run.progress):
        hint = "apply it again; a saved plan is not used up"
        return FwdctlError("the server stopped before the apply had begun: nothing was changed", hint=hint)
    hint = f"it goes on after the restart: fwdctl apply --follow {run.id}"
    return FwdctlError("the server stopped during the apply", hint=hint)


def _server(rollout: Rollout) -> str:
    return f"server {rollout.node}"


def _follow(run_id: str) -> str:
    return f"see what becomes of it: fwdctl apply --follow {run_id}"


def _unknown(run_id: str) -> UnknownAddress:
    return UnknownAddress(f"there is no apply {run_id}", hint="what was applied, and when: fwdctl history --kind apply")
