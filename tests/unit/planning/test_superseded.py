"""A plan says where what it refers to is not what is in use."""

from reconciler.model.live import LegPhase, LiveCharger, LiveLeg
from reconciler.planning.superseded import superseded

SET = "password changed by partner on 2026-12-01 02:00Z (rotation 3): 1f2e3d4c"


def live(name: str, credential: str) -> LiveCharger:
    leg = LiveLeg("partner", "passive", LegPhase.REGISTERED, 0.0, credential=credential)
    return LiveCharger(name, True, 0.0, legs=(leg, LiveLeg("home", "primary", LegPhase.REGISTERED, 0.0)))


def test_one_warning_for_each_back_end_names_the_first_legs_and_the_way_back() -> None:
    chargers = {name: live(name, SET) for name in ("cp1", "cp2", "cp3", "cp4", "cp5")}
    (warning,) = superseded([*chargers, "unknown"], chargers)
    assert warning.summary.startswith(f"what partner has set on its own leg counts over the specs there: cp1 ({SET})")
    assert warning.summary.endswith(" and 2 more")
    assert "to go back" in warning.hint


def test_where_the_specs_count_nothing_is_said() -> None:
    assert list(superseded(["cp1"], {"cp1": live("cp1", "")})) == []
