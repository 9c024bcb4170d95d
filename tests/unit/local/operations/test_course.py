"""The machine: steps, waits, what is kept while an answer is awaited, and every way to end."""

from collections.abc import Generator
from typing import Any

import pytest

from reconciler.local.operations.course import (
    Answered,
    BadOrder,
    Call,
    Declined,
    Failed,
    Fetched,
    Finished,
    Heard,
    Left,
    Listen,
    Lost,
    Machine,
    Progress,
    Refused,
    Say,
    TimedOut,
    ask,
    ask_for,
    text,
)
from reconciler.local.operations.model import Result
from reconciler.model.operations import State


def asking() -> Generator[Any, Any, Result]:
    """Ask, then wait for a message."""
    answer = yield from ask_for("Reset", {"type": "Soft"}, "Accepted")
    yield Say("accepted")
    while True:
        happened = yield Listen(10)
        if isinstance(happened, TimedOut):
            raise Failed("silence")
        if isinstance(happened, Heard):
            return Result(status=text(answer, "status"))


def test_a_course_goes_from_its_question_over_progress_to_its_result() -> None:
    machine = Machine(asking())
    assert machine.start(0) == [Call("Reset", {"type": "Soft"})]
    assert machine.next_timer() is None
    assert machine.handle(Answered({"status": "Accepted"}), 1) == [Progress("accepted")]
    assert machine.next_timer() == 11
    assert machine.handle(Heard("Heartbeat", {}), 2) == [Finished(State.SUCCEEDED, Result(status="Accepted"))]
    assert machine.handle(Left(), 3) == []
    assert machine.next_timer() is None


def test_what_is_reported_before_the_answer_is_heard_after_it() -> None:
    machine = Machine(asking())
    machine.start(0)
    assert machine.handle(Heard("Heartbeat", {}), 0) == []
    done = machine.handle(Answered({"status": "Accepted"}), 1)
    assert done == [Progress("accepted"), Finished(State.SUCCEEDED, Result(status="Accepted"))]


@pytest.mark.parametrize(
    ("event", "state", "reason"),
    [
        (Answered({"status": "Rejected"}), State.DECLINED, "the charging station answered Reset with Rejected"),
        (
            Answered({"status": "Rejected", "statusInfo": {"reasonCode": "Busy", "additionalInfo": "later"}}),
            State.DECLINED,
            "the charging station answered Reset with Rejected: Busy later",
        ),
        (Answered({"status": 5}), State.DECLINED, "the charging station answered Reset with no status"),
        (Refused("the charging station left"), State.FAILED, "the charging station left"),
        (Lost("partner-pay"), State.TAKEN_AWAY, "partner-pay owns the feature now"),
    ],
)
def test_every_other_answer_ends_it_and_says_why(event: Any, state: State, reason: str) -> None:
    machine = Machine(asking())
    machine.start(0)
    assert machine.handle(event, 1) == [Finished(state, None, reason)]


def test_a_timer_that_fires_early_does_no_harm() -> None:
    machine = Machine(asking())
    machine.start(0)
    machine.handle(Answered({"status": "Accepted"}), 0)
    assert machine.handle(TimedOut(), 9.9) == []
    assert machine.handle(Fetched(), 9.9) == []
    assert machine.next_timer() == 19.9  # any event begins the wait anew
    assert machine.handle(TimedOut(), 19.9) == [Finished(State.FAILED, None, "silence")]


def test_an_order_that_can_not_be_said_never_begins() -> None:
    def course() -> Generator[Any, Any, Result]:
        raise BadOrder("not in 1.6")
        yield

    with pytest.raises(BadOrder):
        Machine(course()).start(0)


def test_an_answer_that_nobody_asked_for_is_ignored() -> None:
    machine = Machine(asking())
    machine.start(0)
    machine.handle(Answered({"status": "Accepted"}), 0)
    assert machine.handle(Answered({"status": "Accepted"}), 0) == []


def test_a_course_may_end_by_declining_itself() -> None:
    def course() -> Generator[Any, Any, Result]:
        yield from ask("ClearCache", {})
        raise Declined("no")

    machine = Machine(course())
    machine.start(0)
    assert machine.handle(Answered({}), 0) == [Finished(State.DECLINED, None, "no")]
