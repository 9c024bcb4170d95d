"""Drift origins: who it was, where that is known."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from reconciler.model.history import HistoryEvent
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg
from reconciler.planning.drift import Standing, State
from reconciler.planning.drift_origins import LegChange, Origin, leg_changes, newest_by_charger, origin_of

AT = datetime(2026, 5, 4, 3, tzinfo=UTC)
EARLIER = AT - timedelta(hours=1)
LIVE = LiveCharger("cp001", connected=True, since_s=1.0, because="toggle by bob")
REFUSED, DRIFTED = Standing("cp001", State.REFUSED), Standing("cp001", State.DRIFTED)
REFUSALS = {"cp001": HistoryEvent(AT, "flip-refused", "grid rejects it", "cp001", actor="ann", reason="move to grid")}


def changed(backend: str, at: datetime, summary: str = "by SetVariables") -> HistoryEvent:
    return HistoryEvent(at, "leg-changed", summary, "cp001", actor=backend)


def test_a_refused_one_is_of_whoever_asked_for_what_was_refused() -> None:
    assert origin_of(REFUSED, LIVE, REFUSALS, "") == Origin("ann", "move to grid", AT)
    assert origin_of(REFUSED, LIVE, {}, "") is None


def test_a_drifted_one_is_of_what_its_session_runs_for() -> None:
    assert origin_of(DRIFTED, LIVE, REFUSALS, "") == Origin("toggle by bob")


def test_what_runs_for_the_reason_it_is_to_run_for_has_no_known_origin() -> None:
    assert origin_of(DRIFTED, LIVE, REFUSALS, "toggle by bob") is None
    assert origin_of(DRIFTED, replace(LIVE, because=""), REFUSALS, "") is None
    assert origin_of(DRIFTED, None, REFUSALS, "") is None


def test_a_back_end_that_changed_its_own_leg_is_told_with_its_newest_change() -> None:
    legs = (
        LiveLeg("grid", "passive", LegPhase.REGISTERED, 1.0, credential="password 1f2e3d4c"),
        LiveLeg("partner", "primary", LegPhase.REGISTERED, 1.0),
    )
    events = [changed("partner", AT), changed("grid", AT), changed("grid", EARLIER, "older")]
    found = leg_changes(replace(LIVE, legs=legs), events)
    assert found == (LegChange("cp001", "grid", "password 1f2e3d4c", Origin("grid", "by SetVariables", AT)),)


def test_a_change_that_history_has_forgotten_is_its_back_ends_still() -> None:
    leg = LiveLeg("grid", "passive", LegPhase.REGISTERED, 1.0, credential="password 1f2e3d4c")
    assert leg_changes(replace(LIVE, legs=(leg,)), ())[0].origin == Origin("grid")


def test_the_newest_event_of_a_charger_counts() -> None:
    newer, older = changed("grid", AT), changed("partner", EARLIER)
    assert newest_by_charger([newer, older]) == {"cp001": newer}
