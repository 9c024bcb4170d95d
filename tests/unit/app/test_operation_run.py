"""One run: news, timeouts, endings from outside, exit codes."""

import asyncio
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.app.operation_run import OperationRun, Surroundings, error_of, exit_code_of, lost_to
from reconciler.errors import OwnedElsewhere
from reconciler.local.operations.course import Failed, Listen, Machine, Say, TimedOut, ask
from reconciler.local.operations.model import Result
from reconciler.model.operations import OperationRecord, State
from tests.support.operations import ScriptedLine
from tests.support.relay import LiveClock

AT = datetime(2026, 12, 1, tzinfo=UTC)


def course(within_s: float = 60) -> Generator[Any, Any, Result]:
    """Ask, and wait."""
    yield from ask("Reset", {})
    yield Say("asked")
    happened = yield Listen(within_s)
    if isinstance(happened, TimedOut):
        raise Failed("nothing came")
    return Result(status="Accepted")


def run_of(within_s: float = 60) -> tuple[OperationRun, "asyncio.Task[OperationRecord]", ScriptedLine]:
    """Return a run that has asked."""
    line, machine = ScriptedLine(), Machine(course(within_s))
    record = OperationRecord("1", "cp001", "reset", "provisioning", {}, "eva", "", AT)
    run = OperationRun(record, machine, Surroundings(line, LiveClock()))
    return run, asyncio.ensure_future(run.go(machine.start(0))), line


async def test_progress_is_news_and_nothing_within_a_time_is_an_answer_too() -> None:
    run, task, line = run_of()
    await run.wait_for_news(0, 0.01)
    assert (run.record.progress, run.exit_code) == ((), None)
    line.answer({})
    await run.wait_for_news(0, 5)
    assert [step.text for step in run.record.progress] == ["asked"]
    lost_to(run, "partner-pay")
    ended = await task
    assert run.record.state is State.RUNNING  # the journal has it first
    run.conclude()
    assert (run.owner, ended.state, run.exit_code) == ("partner-pay", State.TAKEN_AWAY, 9)
    assert isinstance(error_of(ended), OwnedElsewhere)
    assert await run.wait_done() is ended


async def test_what_does_not_come_in_time_fails_it() -> None:
    _, task, line = run_of(within_s=0.01)
    await asyncio.sleep(0)
    line.answer({})
    ended = await task
    assert (ended.state, ended.problem, exit_code_of(ended)) == (State.FAILED, "nothing came", 1)


@pytest.mark.parametrize("state", [State.INTERRUPTED, State.FAILED])
async def test_it_can_be_ended_from_outside_once(state: State) -> None:
    run, task, _ = run_of()
    task.cancel()
    assert run.end(state, "why").state is state
    assert run.end(State.SUCCEEDED, "no").state is state
    run.conclude()
    assert "why" in error_of(run.record).summary
