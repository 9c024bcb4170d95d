"""The journal of applies that are over: what each came to."""

from reconciler.app.api_contract import error_to_json
from reconciler.app.apply_journal import refusal_of, result_as_journalled
from reconciler.app.courses import ChargerResult, Verdict
from reconciler.errors import FwdctlError, GuardTripped
from reconciler.model.rollouts import PAUSED, SUPERSEDED, WAITING, Rollout, RolloutState, Step
from tests.support.clock import FakeClock

ENDED = Rollout("a1", "n1", "ann", FakeClock().now(), plan_id="p1", state=RolloutState.DONE, revision=4)
STEPS = [
    Step("cp001", 3, "applied"),
    Step("cp002", 3, "failed", "grid rejects it"),
    Step("cp003", 3, WAITING),
    Step("cp004", 3, SUPERSEDED, "by revision 5"),
    Step("cp005", 3, PAUSED, "it is resumed"),
]


def outcome(**fields: object) -> Rollout:
    return Rollout("a1", "n1", "ann", FakeClock().now(), plan_id="p1", revision=4, outcome=fields)


def test_every_charger_that_had_its_turn_has_its_verdict() -> None:
    result = result_as_journalled(ENDED, STEPS)
    assert (result.plan_id, result.revision, result.exit_code) == ("p1", 4, 7)
    assert result.results == (
        ChargerResult("cp001", Verdict.APPLIED),
        ChargerResult("cp002", Verdict.FAILED, "grid rejects it"),
        ChargerResult("cp005", Verdict.DEFERRED, "refused until it is resumed"),
    )


def test_why_it_stopped_and_what_is_left_are_told() -> None:
    assert result_as_journalled(outcome(stopped="bob asked to stop", leftover=[]), STEPS[:1]).exit_code == 7
    left = result_as_journalled(outcome(stopped="", leftover=["charger.cp001"]), STEPS[:1])
    assert (left.leftover, left.exit_code) == (("charger.cp001",), 1)


def test_a_refused_one_ends_with_the_error_that_it_had() -> None:
    error = refusal_of(
        outcome(refused="too many", error=error_to_json(GuardTripped("too many", hint="fewer"))["error"])
    )
    assert (type(error), error.summary, error.hint, error.exit_code) == (GuardTripped, "too many", "fewer", 3)


def test_one_of_an_earlier_version_ends_with_what_is_known() -> None:
    error = refusal_of(outcome(refused="too many"))
    assert (type(error), error.summary) == (FwdctlError, "too many")
