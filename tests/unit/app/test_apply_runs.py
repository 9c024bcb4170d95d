"""Applies go on by themselves; whoever asks is told where they are, and what became of them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.adapters.metrics import PrometheusMetrics
from reconciler.app.api_contract import error_to_json
from reconciler.app.apply_runs import KEPT_RUNS, ApplyRun, ApplyRuns
from reconciler.app.applying import ApplyProgress, ApplyRequest, ApplyResult, OnProgress
from reconciler.app.rollout import StopRequest
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError, LockHeld, UnknownAddress
from reconciler.model.plan import Plan
from reconciler.model.rollouts import Rollout, RolloutState, Step
from tests.support.clock import FakeClock

NOW = FakeClock().now()
REQUEST = ApplyRequest(Plan("p1", NOW, 0), "ann")
RESULT = ApplyResult("p1", revision=4)

Apply = Callable[[ApplyRequest, OnProgress], Awaitable[ApplyResult]]


class Applies:
    """Applies like a function; `journal` are the rollouts, and a resumed one goes on like the function too."""

    def __init__(self, apply: Apply) -> None:
        self._apply = apply
        self.stops: list[StopRequest] = []
        self.journal: dict[str, Rollout] = {}
        self.resumed = asyncio.Event()

    async def accept(self, request: ApplyRequest) -> None:
        """Write it down."""
        self.journal[request.id] = Rollout(request.id, "n1", "", NOW, state=RolloutState.ACCEPTED)

    async def refuse(self, id: str, error: FwdctlError) -> None:
        """Write it down where it did not begin."""
        if self.journal[id].state is RolloutState.ACCEPTED:
            outcome = {"refused": error.summary, "error": error_to_json(error)["error"]}
            self.journal[id] = replace(self.journal[id], state=RolloutState.REFUSED, outcome=outcome, ended_at=NOW)

    async def apply(self, request: ApplyRequest, on_progress: OnProgress, stop: StopRequest) -> ApplyResult:
        """Call it."""
        self.stops.append(stop)
        return await self._apply(request, on_progress)

    async def resume(self, rollout: Rollout, on_progress: OnProgress, stop: StopRequest) -> ApplyResult:
        """Call it, and end the rollout."""
        self.resumed.set()
        result = await self.apply(replace(REQUEST, id=rollout.id), on_progress, stop)
        self.journal[rollout.id] = replace(rollout, state=RolloutState.DONE)
        return result

    async def orphans(self) -> tuple[Rollout, ...]:
        """Return those that go on."""
        return tuple(rollout for rollout in self.journal.values() if rollout.state is RolloutState.OPEN)

    async def rollout(self, id: str) -> Rollout | None:
        """Return one."""
        return self.journal.get(id)

    async def rollout_steps(self, id: str) -> tuple[Step, ...]:
        """Return one charger."""
        return (Step("cp001", 3, "applied"),)


class Bench:
    """Apply runs over any apply, with what was reported."""

    def __init__(self) -> None:
        self.trouble: list[tuple[str, BaseException]] = []
        self.metrics = PrometheusMetrics()
        self.background = Background(self.report)

    def runs(self, apply: Apply) -> ApplyRuns:
        """Return runs that apply like this."""
        ids = itertools.count()
        self.applies = Applies(apply)
        return ApplyRuns(self.applies, self.background, self.report, self.metrics, lambda: f"run{next(ids)}")

    def report(self, what: str, error: BaseException) -> None:
        """Keep it."""
        self.trouble.append((what, error))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.background.stop()


async def ended(run: ApplyRun) -> ApplyRun:
    """Return the run once it is done."""
    async with asyncio.timeout(5):
        while not run.done:
            await run.wait_for_news(len(run.progress), 5)
    return run


async def at_once(_request: ApplyRequest, told: OnProgress) -> ApplyResult:
    """Apply in one step."""
    told(ApplyProgress("locked"))
    return RESULT


async def test_a_run_ends_with_its_result_while_nobody_follows_it(bench: Bench) -> None:
    run = await ended(await bench.runs(at_once).start(REQUEST))
    assert (run.result, run.error, run.exit_code) == (RESULT, None, 0)
    assert b'fwdctl_applies_total{exit_code="0"} 1.0' in bench.metrics.exposition()
    assert b"fwdctl_last_apply_revision 4.0" in bench.metrics.exposition()


async def test_a_run_that_is_refused_ends_with_the_error(bench: Bench) -> None:
    async def refused(_request: ApplyRequest, _told: OnProgress) -> ApplyResult:
        raise LockHeld("bob has it")

    run = await ended(await bench.runs(refused).start(REQUEST))
    assert (str(run.error), run.exit_code, bench.trouble) == ("bob has it", 5, [])


async def test_every_server_knows_an_apply_before_its_id_is_given_out_and_why_it_did_not_begin(bench: Bench) -> None:
    go = asyncio.Event()

    async def refused(_request: ApplyRequest, _told: OnProgress) -> ApplyResult:
        await go.wait()
        raise LockHeld("bob has it", hint="wait")

    here = bench.runs(refused)
    elsewhere = ApplyRuns(bench.applies, bench.background, bench.report, bench.metrics, lambda: "none")
    run = await here.start(REQUEST)
    found = await elsewhere.look_up(run.id)
    assert (found.elsewhere, found.done) == (True, False)
    with pytest.raises(FwdctlError, match=f"server n1 carries out apply {run.id}"):
        await elsewhere.stop(run.id, "ann")
    with pytest.raises(FwdctlError, match=f"apply {run.id} waits to begin at server n1"):
        await elsewhere.resume(run.id)
    go.set()
    await ended(run)
    await bench.background.stop()
    ended_there = await elsewhere.look_up(run.id)
    assert (str(ended_there.error), ended_there.exit_code) == ("bob has it", 5)
    with pytest.raises(FwdctlError, match="has ended"):
        await elsewhere.stop(run.id, "ann")


async def test_who_follows_is_told_every_step_of_whoever_goes_on_and_none_twice(bench: Bench) -> None:
    runs = bench.runs(at_once)
    bench.applies.journal["old1"] = Rollout("old1", "node", "ann (1)", NOW)
    elsewhere = await runs.look_up("old1")
    assert (elsewhere.seen_here(1), elsewhere.number(1)) == (0, 1)  # somebody has seen a step of the one that died
    resumed = await ended(await runs.resume("old1"))
    assert resumed.seen_here(1) == 0
    assert resumed.seen_here(resumed.number(1)) == len(resumed.progress) == 1


async def test_what_goes_on_elsewhere_is_looked_at_again_soon(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.app.apply_runs.LOOK_AGAIN_S", 0)
    runs = bench.runs(at_once)
    bench.applies.journal["old1"] = Rollout("old1", "node", "ann (1)", NOW)
    async with asyncio.timeout(5):
        await (await runs.look_up("old1")).wait_for_news(0, 60)


async def test_an_unexpected_failure_is_reported_and_told_without_its_details(bench: Bench) -> None:
    async def broken(_request: ApplyRequest, _told: OnProgress) -> ApplyResult:
        raise RuntimeError("password=hunter2")

    run = await ended(await bench.runs(broken).start(REQUEST))
    assert run.error is not None
    assert ("hunter2" in run.error.summary + run.error.hint, run.exit_code) == (False, 1)
    assert [what for what, _ in bench.trouble] == ["apply run0"]


async def test_a_run_that_the_server_s_end_cuts_off_says_so(bench: Bench) -> None:
    async def endless(_request: ApplyRequest, _told: OnProgress) -> ApplyResult:
        await asyncio.Event().wait()
        return RESULT

    run = await bench.runs(endless).start(REQUEST)
    await asyncio.sleep(0)
    await bench.background.stop()
    assert run.error is not None
    assert "the server stopped before the apply had begun" in run.error.summary


async def test_waiting_ends_with_the_next_step_and_not_before(bench: Bench) -> None:
    go = asyncio.Event()

    async def in_steps(_request: ApplyRequest, told: OnProgress) -> ApplyResult:
        told(ApplyProgress("locked"))
        await go.wait()
        told(ApplyProgress("committed"))
        await asyncio.Event().wait()
        return RESULT

    run = await bench.runs(in_steps).start(REQUEST)
    await run.wait_for_news(0, 5)
    waiting = asyncio.ensure_future(run.wait_for_news(1, 5))
    await asyncio.sleep(0)
    assert not waiting.done()
    go.set()
    await waiting
    assert [step.step for step in run.progress] == ["locked", "committed"]


async def test_waiting_without_news_ends_in_time(bench: Bench) -> None:
    async def endless(_request: ApplyRequest, _told: OnProgress) -> ApplyResult:
        await asyncio.Event().wait()
        return RESULT

    run = await bench.runs(endless).start(REQUEST)
    await run.wait_for_news(0, 0.01)
    assert not run.done


async def test_a_run_that_never_was_is_unknown(bench: Bench) -> None:
    with pytest.raises(UnknownAddress, match="no apply run9"):
        bench.runs(at_once).find("run9")


async def test_only_the_last_runs_are_remembered(bench: Bench) -> None:
    runs = bench.runs(at_once)
    for _ in range(KEPT_RUNS + 1):
        last = await ended(await runs.start(REQUEST))
    assert runs.find(last.id) is last
    assert runs.find("run1").done
    with pytest.raises(UnknownAddress):
        runs.find("run0")


async def test_an_apply_whose_server_died_is_taken_over_under_its_id_and_once(bench: Bench) -> None:
    runs = bench.runs(at_once)
    bench.applies.journal["old1"] = Rollout("old1", "node", "ann (1)", FakeClock().now())
    assert not (await runs.look_up("old1")).done
    bench.background.start(runs.adopt(), name="adopt")
    async with asyncio.timeout(5):
        await bench.applies.resumed.wait()
    assert (await ended(runs.find("old1"))).result == RESULT
    assert len(bench.applies.stops) == 1


async def test_one_that_ended_elsewhere_is_told_from_the_journal(bench: Bench) -> None:
    runs = bench.runs(at_once)
    begun = Rollout("old1", "node", "ann (1)", FakeClock().now(), plan_id="p1", revision=4)
    bench.applies.journal["old1"] = replace(begun, state=RolloutState.DONE)
    bench.applies.journal["old2"] = replace(begun, id="old2", state=RolloutState.REFUSED, outcome={"refused": "no"})
    bench.applies.journal["old3"] = replace(
        begun, id="old3", state=RolloutState.STOPPED, outcome={"stopped": "bob asked to stop"}
    )
    done, refused, stopped = [await runs.look_up(f"old{number}") for number in (1, 2, 3)]
    assert (done.done, done.exit_code, [step.step for step in done.progress]) == (True, 0, ["done"])
    assert done.result is not None
    assert (done.result.revision, done.result.counts) == (4, {"applied": 1})
    assert (refused.done, str(refused.error), refused.exit_code) == (True, "no", 1)
    assert ([(step.step, step.why) for step in stopped.progress], stopped.exit_code) == (
        [("stopped", "bob asked to stop")],
        7,
    )
    with pytest.raises(UnknownAddress):
        await runs.look_up("old4")


async def test_when_it_began_and_ended_is_what_the_journal_says(bench: Bench) -> None:
    runs, began = bench.runs(at_once), FakeClock().now()
    run = await ended(await runs.start(REQUEST))
    rollout = Rollout(run.id, "node", "ann (1)", began, state=RolloutState.DONE, ended_at=began + timedelta(seconds=3))
    bench.applies.journal |= {run.id: rollout, "old1": replace(rollout, id="old1")}
    for id in (run.id, "old1"):
        found = await runs.look_up(id)
        assert (found.started_at, found.ended_at) == (began, began + timedelta(seconds=3))


async def test_an_apply_that_was_stopped_goes_on_when_asked_and_one_that_ended_does_not(bench: Bench) -> None:
    runs = bench.runs(at_once)
    bench.applies.journal["old1"] = Rollout("old1", "node", "ann (1)", FakeClock().now(), state=RolloutState.STOPPED)
    assert (await ended(await runs.resume("old1"))).result == RESULT
    with pytest.raises(FwdctlError, match="old1 has ended"):
        await runs.resume("old1")
    with pytest.raises(UnknownAddress):
        await runs.resume("never")


async def test_a_run_is_told_who_wants_it_to_stop(bench: Bench) -> None:
    runs = bench.runs(at_once)
    run = await runs.start(REQUEST)
    assert await runs.stop(run.id, "ann") is run
    await ended(run)
    assert [stop.by for stop in bench.applies.stops] == ["ann"]
