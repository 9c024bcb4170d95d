"""Apply order: what was asked for survives in the journal."""

from msgspec.structs import replace

from reconciler.app.apply_order import ApplyRequest, begun, ordered, steps_of
from reconciler.model.plan import Disruption, Effect, Plan
from reconciler.model.rollouts import PAUSED, WAITING, Hold, Step
from reconciler.planning.guard import Limits, Share
from reconciler.planning.pacing import Pace
from tests.support.clock import EPOCH

EFFECTS = (
    Effect(Disruption.LIVE_FLIP, chargers=("cp002", "cp000")),
    Effect(Disruption.REFUSED, until="it is resumed (paused by ann)", chargers=("cp001",), paused=True),
)
PLAN = Plan("p1", EPOCH, 4, effects=EFFECTS)


def test_a_request_comes_back_out_of_the_journal() -> None:
    limits = Limits(max_disruption=Share.parse("12.5%"), override_window=True)
    pace = Pace(parallelism=3, canary=Share.parse("5%"), max_failures=0, flips_per_s=2.5, reconnects_per_s=None)
    request = ApplyRequest(PLAN, "ann", "because", "Ann <ann@example.com>", "abc", limits, pace, id="a1")
    rollout = begun(request, node="n1", holder="ann (1)", at=EPOCH)
    assert ordered(rollout) == request
    assert (rollout.id, rollout.node, rollout.holder, rollout.plan_id) == ("a1", "n1", "ann (1)", "p1")


def test_how_long_to_wait_for_the_lock_is_asked_anew() -> None:
    rollout = begun(ApplyRequest(PLAN, "ann", lock_timeout_s=60, id="a1"), node="n1", holder="h", at=EPOCH)
    assert ordered(rollout).lock_timeout_s == 0
    assert ordered(rollout, lock_timeout_s=5).lock_timeout_s == 5


def test_every_charger_of_a_plan_is_a_step_from_where_it_runs_now() -> None:
    steps = steps_of(PLAN, [Hold("cp002", 2, "earlier")], {"cp000"})
    assert steps == (
        Step("cp000", 4, WAITING, disruption="live flip", canary=True),
        Step("cp001", 4, PAUSED, "it is resumed (paused by ann)", "refused"),
        Step("cp002", 2, WAITING, disruption="live flip"),
    )


def test_who_is_offline_waits_for_no_transaction() -> None:
    offline = replace(EFFECTS[1], chargers=(), deferred=("cp009",), until="a transaction ends", paused=False)
    (step,) = steps_of(replace(PLAN, effects=(offline,)), [], ())
    assert (step.state, step.reason) == (WAITING, "")
