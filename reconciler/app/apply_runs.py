"""Apply runs: applies that go on in the server whether or not anybody follows them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.app.applying import ApplyProgress, ApplyRequest, ApplyResult, OnProgress
from reconciler.app.ports import Metrics
from reconciler.app.tasks import Background, Report
from reconciler.errors import FwdctlError, UnknownAddress

KEPT_RUNS: Final = 50
"""Runs that can still be asked for after they are done; history keeps what they did for ever."""


@dataclass(slots=True, eq=False)
class ApplyRun:
    """One apply as it goes: `result` or `error` once it is done."""

    id: str
    progress: list[ApplyProgress] = field(default_factory=list)
    result: ApplyResult | None = None
    error: FwdctlError | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

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

    async def wait_for_news(self, seen: int, wait_s: float) -> None:
        """Return once there are more than `seen` steps of progress or the run is done, at the latest after `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                while not self.done and len(self.progress) <= seen:
                    await self._news.wait()
        except TimeoutError:
            return  # no news is an answer too

    def tell(self) -> None:
        """Wake whoever waits for news."""
        self._news.set()
        self._news = asyncio.Event()


class ApplyRuns:
    """Starts applies and remembers the last of them."""

    def __init__(
        self,
        apply: Callable[[ApplyRequest, OnProgress], Awaitable[ApplyResult]],
        background: Background,
        report: Report,
        metrics: Metrics,
        new_id: Callable[[], str],
    ) -> None:
        self._apply = apply
        self._background = background
        self._report = report
        self._metrics = metrics
        self._new_id = new_id
        self._runs: dict[str, ApplyRun] = {}

    def start(self, request: ApplyRequest) -> ApplyRun:
        """Start an apply and return it; it needs nobody to wait for it."""
        run = ApplyRun(self._new_id())
        self._forget_old()
        self._runs[run.id] = run
        self._background.start(self._carry_out(run, request), name=f"apply {run.id}")
        return run

    def find(self, run_id: str) -> ApplyRun:
        """Return a run; raises UnknownAddress where there is none of that id (any more)."""
        run = self._runs.get(run_id)
        if run is None:
            raise UnknownAddress(
                f"there is no apply {run_id}",
                hint="the server was restarted, or it is long ago; what is applied: fwdctl history",
            )
        return run

    async def _carry_out(self, run: ApplyRun, request: ApplyRequest) -> None:
        def heard(progress: ApplyProgress) -> None:
            run.progress.append(progress)
            run.tell()

        try:
            run.result = await self._apply(request, heard)
            self._metrics.gauge("last_apply_revision", run.result.revision)
        except FwdctlError as error:
            run.error = error
        except asyncio.CancelledError:
            run.error = FwdctlError("the server stopped during the apply", hint="after its restart: fwdctl status")
            raise
        except Exception as error:  # noqa: BLE001 - whoever follows must learn that it ended
            self._report(f"apply {run.id}", error)
            run.error = FwdctlError(
                "the server failed unexpectedly during the apply", hint=f"its log has the details under apply {run.id}"
            )
        finally:
            self._metrics.count("applies", exit_code=str(run.exit_code))
            run.tell()

    def _forget_old(self) -> None:
        over = [run.id for run in self._runs.values() if run.done][: max(0, len(self._runs) - KEPT_RUNS + 1)]
        for run_id in over:
            del self._runs[run_id]
