"""What the journal says of applies that are over: for whoever asks after the server that carried them out is gone."""

from collections.abc import Sequence

from reconciler.app.api_contract import error_from_json
from reconciler.app.applying import ApplyResult
from reconciler.app.rollout import result_of
from reconciler.errors import FwdctlError
from reconciler.model.rollouts import ASKED, SUPERSEDED, WAITING, Rollout, Step


def refusal_of(rollout: Rollout) -> FwdctlError:
    """Return what an apply was refused with, of the class it had."""
    if "error" in rollout.outcome:
        return error_from_json(rollout.outcome)
    return FwdctlError(str(rollout.outcome.get("refused", "it was refused")), hint="make a new plan: fwdctl plan")


def result_as_journalled(rollout: Rollout, steps: Sequence[Step]) -> ApplyResult:
    """Return what a committed apply came to.

    Chargers that a later apply took over, or that had no turn, are not in it.
    """
    over = [step for step in steps if step.state not in (WAITING, ASKED, SUPERSEDED)]
    return ApplyResult(
        rollout.plan_id,
        rollout.revision or 0,
        tuple(map(result_of, over)),
        tuple(rollout.outcome.get("leftover", ())),
        str(rollout.outcome.get("stopped", "")),
    )
