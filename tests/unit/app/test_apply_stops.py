"""Whoever asks any server to stop an apply is heard at the one that carries it out."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from reconciler.app.apply_runs import ApplyRun, ApplyRuns
from reconciler.app.apply_stops import ApplyStops
from reconciler.app.applying import ApplyRequest, ApplyResult, OnProgress
from reconciler.errors import FwdctlError
from tests.unit.app.test_apply_runs import REQUEST, RESULT, Bench
from tests.unit.app.test_errands import A, B, pair


class Fleet:
    """Two servers with one journal: `b` carries an apply out, `a` is asked to stop it."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.bench = Bench()
        self.b = self.bench.runs(self._apply)
        self.a = ApplyRuns(
            self.bench.applies, self.bench.background, self.bench.report, self.bench.metrics, lambda: "x"
        )
        self.starts = {A, B}

    def other_starts(self) -> Collection[str]:
        """Return both."""
        return self.starts

    async def begin(self) -> ApplyRun:
        """Have `b` begin an apply."""
        run = await self.b.start(REQUEST)
        self.bench.applies.journal[run.id] = replace(self.bench.applies.journal[run.id], node="b")
        return run

    async def _apply(self, _request: ApplyRequest, _told: OnProgress) -> ApplyResult:
        await self.go.wait()
        return RESULT


@asynccontextmanager
async def fleet() -> AsyncIterator[Fleet]:
    """Run both for the block."""
    both = Fleet()
    async with pair() as two:
        ApplyStops(both.a, two.a, both)
        ApplyStops(both.b, two.b, both)
        yield both
    await both.bench.background.stop()


async def test_a_stop_reaches_the_server_that_carries_the_apply_out() -> None:
    async with fleet() as both:
        run = await both.begin()
        found = await both.a.stop(run.id, "ann")
        assert (found.id, found.elsewhere, run.stop.by) == (run.id, True, "ann")


async def test_one_that_has_ended_meanwhile_is_said_to_have() -> None:
    async with fleet() as both:
        run = await both.begin()
        both.b._runs.clear()  # as a server does that knows it by its journal only
        with pytest.raises(FwdctlError, match=f"server b carries out apply {run.id}"):
            await both.a.stop(run.id, "ann")


async def test_a_server_that_is_not_there_can_not_be_told() -> None:
    async with fleet() as both:
        run = await both.begin()
        both.starts = {A}
        with pytest.raises(FwdctlError, match="and is not there") as refused:
            await both.a.stop(run.id, "ann")
        assert f"fwdctl apply --follow {run.id}" in refused.value.hint
        assert run.stop.by == ""
