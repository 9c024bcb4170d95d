"""Courses: when a charger is asked, and what is made of the answers."""

import pytest

from reconciler.app.courses import (
    BACK_OFF_FIRST_S,
    BACK_OFF_LAST_S,
    SETTLE_S,
    ChargerResult,
    Course,
    Verdict,
    exit_code_of,
)
from reconciler.model.live import Ack, Deferred, LegPhase, LiveCharger, LiveLeg, Outcome, Refusal
from reconciler.planning.drift import Asked, State
from tests.support.specs import a_site, resolved

WANTED = resolved(a_site(1)).chargers["cp000"]
OTHER = resolved(a_site(1, {"grid": "primary"})).chargers["cp000"]
OFFLINE = LiveCharger("cp000", connected=False, since_s=0)


def running(generation: int) -> LiveCharger:
    leg = LiveLeg("partner", "primary", LegPhase.REGISTERED, 0)
    return LiveCharger("cp000", True, 0, "ocpp1.6", generation, WANTED.owners, (leg,))


def answered(outcome: Outcome, at_s: float = 0.0) -> Course:
    course = Course("cp000")
    course.ask(1, WANTED)
    course.settle(outcome, at_s)
    return course


def test_a_charger_that_was_never_asked_is_due() -> None:
    assert Course("cp000").is_due(WANTED, None, 0)
    assert Course("cp000").is_due(WANTED, OFFLINE, 0)


def test_a_charger_that_runs_what_is_wanted_is_not_due() -> None:
    course = answered(Ack(1))
    assert not course.is_due(WANTED, running(1), 1e9)


def test_a_charger_is_due_at_once_where_something_else_is_wanted() -> None:
    assert answered(Refusal(1, "no")).is_due(OTHER, running(0), 0)


def test_an_offline_charger_that_was_told_is_not_told_again() -> None:
    assert not answered(Deferred(1)).is_due(WANTED, OFFLINE, 1e9)
    assert answered(Refusal(1, "no")).is_due(WANTED, OFFLINE, 1e9)


def test_what_was_asked_has_a_moment_to_come_true() -> None:
    course = answered(Ack(1))
    assert not course.is_due(WANTED, running(0), SETTLE_S - 0.1)
    assert course.is_due(WANTED, running(0), SETTLE_S)


def test_what_needs_attention_is_remembered_until_it_is_in_order_or_asked_anew() -> None:
    course = answered(Ack(1))
    course.is_due(WANTED, running(0), 0)
    assert course.attention is State.DRIFTED
    course.is_due(WANTED, running(1), 0)
    assert course.attention is None
    course.is_due(WANTED, running(0), 0)
    course.ask(2, WANTED)
    assert course.attention is None
    course.is_due(WANTED, running(0), 0)
    course.is_due(WANTED, OFFLINE, 0)
    assert course.attention is None


def test_refusals_back_off_up_to_a_limit() -> None:
    course, now_s, waits = Course("cp000"), 0.0, []
    for generation in range(1, 9):
        course.ask(generation, WANTED)
        course.settle(Refusal(generation, "no"), now_s)
        waits.append(course.retry_at_s - now_s)
        now_s = course.retry_at_s
    assert waits[:3] == [BACK_OFF_FIRST_S, BACK_OFF_FIRST_S * 2, BACK_OFF_FIRST_S * 4]
    assert waits[-1] == BACK_OFF_LAST_S


def test_patience_starts_anew_once_the_charger_was_seen_in_order() -> None:
    course = answered(Refusal(1, "no"))
    course.ask(2, WANTED)
    course.settle(Ack(2), 0)
    assert not course.is_due(WANTED, running(2), 0)
    course.ask(3, WANTED)
    course.settle(Refusal(3, "no"), 100)
    assert course.retry_at_s == 100 + BACK_OFF_FIRST_S


def test_a_question_that_was_never_answered_is_asked_again() -> None:
    course = Course("cp000")
    course.ask(1, WANTED)
    assert course.is_due(WANTED, OFFLINE, 0)
    assert course.result().verdict is Verdict.FAILED


def test_a_generation_is_higher_than_all_that_are_known() -> None:
    assert Course("cp000").next_generation(None) == 1
    assert Course("cp000").next_generation(running(7)) == 8
    assert answered(Ack(1)).next_generation(OFFLINE) == 2
    refused = LiveCharger("cp000", True, 0, refused=Refusal(9, "no"))
    assert Course("cp000").next_generation(refused) == 10


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Ack(1), ChargerResult("cp000", Verdict.APPLIED)),
        (Deferred(1), ChargerResult("cp000", Verdict.DEFERRED, "at its next connection")),
        (Refusal(1, "grid rejects it"), ChargerResult("cp000", Verdict.FAILED, "grid rejects it")),
    ],
)
def test_every_answer_is_a_verdict(outcome: Outcome, result: ChargerResult) -> None:
    assert answered(outcome).result() == result


def test_any_failure_makes_the_exit_code_of_a_partial_apply() -> None:
    applied, failed = answered(Ack(1)).result(), answered(Refusal(1, "no")).result()
    assert (exit_code_of([]), exit_code_of([applied]), exit_code_of([applied, failed])) == (0, 0, 7)


def test_what_another_node_asked_is_left_to_be_answered_and_asked_again_only_if_it_is_not() -> None:
    course = Course("cp000")
    course.adopt(Asked(7, WANTED), WANTED, now_s=100)
    assert (course.asked, course.outcome) == (Asked(7, WANTED), Deferred(7))
    within_s = WANTED.flip.confirm_within_s
    assert not course.is_due(WANTED, running(6), 100 + within_s - 1)
    assert course.is_due(WANTED, running(6), 100 + within_s)
    assert not course.is_due(WANTED, running(7), 100 + within_s)
    assert course.is_due(OTHER, running(7), 100)
    course.adopt(Asked(7, OTHER), OTHER, now_s=100)
    assert course.asked == Asked(7, WANTED, confirmed=True)
    assert course.next_generation(running(7)) == 8


@pytest.mark.parametrize(
    ("outcome", "live"), [(Deferred(1), OFFLINE), (Ack(1), running(1))], ids=["offline", "in-sync"]
)
def test_what_was_found_in_order_is_settled_until_anything_is_new(outcome: Outcome, live: LiveCharger) -> None:
    course = answered(outcome)
    assert not course.is_settled(WANTED, live)
    course.is_due(WANTED, live, 0)
    assert course.is_settled(WANTED, live)
    assert not course.is_settled(OTHER, live)
    assert not course.is_settled(WANTED, running(0))
    course.held_back = "a window"
    assert not course.is_settled(WANTED, live)
    course.held_back = ""
    course.ask(2, WANTED)
    assert not course.is_settled(WANTED, live)
