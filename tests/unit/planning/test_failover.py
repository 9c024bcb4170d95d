"""Failover: hysteresis of health, and what a stand-in is to do."""

import pytest
from msgspec.structs import replace

from reconciler.model.desired import FailoverRule
from reconciler.model.failovers import Failover
from reconciler.model.interventions import Interventions
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg
from reconciler.planning.effective import effective
from reconciler.planning.failover import Health, Patience, is_well, patience_with, stand_in_roles, still_declared
from tests.support.clock import EPOCH
from tests.support.specs import a_site, resolved, role

PATIENCE = Patience(down_after_s=30, up_after_s=120)
RULE = {"whenOwnerIsDown": "failover", "failover": {"to": "local", "after": "45s"}}
SITE = resolved([*a_site(1, {"partner": "primary", "grid": "energy"}, **RULE), role("energy", "smart-charging")])
CHARGER = SITE.chargers["cp000"]


def verdicts(*seen: tuple[float, bool]) -> list[bool]:
    health, found = Health(well=True, since_s=0, up=True), []
    for now_s, well in seen:
        health = health.seen(well, now_s, PATIENCE)
        found.append(health.up)
    return found


def test_a_back_end_is_down_once_it_was_away_for_long_enough_without_a_break() -> None:
    assert verdicts((10, False), (39.9, False), (40, False)) == [True, True, False]
    assert verdicts((10, False), (39, True), (40, False), (69, False), (70, False)) == [True, True, True, True, False]


def test_it_is_up_again_once_it_was_there_for_long_enough_without_a_break() -> None:
    seen = verdicts(
        (0, False), (30, False), (100, True), (219, True), (219.5, False), (220, True), (339, True), (340, True)
    )
    assert seen == [True, False, False, False, False, False, False, True]


def test_it_says_when_it_will_turn() -> None:
    assert Health(True, 5, up=True).turns_at_s(PATIENCE) is None
    assert Health(False, 5, up=True).turns_at_s(PATIENCE) == 35
    assert Health(True, 5, up=False).turns_at_s(PATIENCE) == 125


@pytest.mark.parametrize("phase", LegPhase)
def test_a_leg_is_of_use_where_the_back_end_is_there_and_has_not_rejected(phase: LegPhase) -> None:
    live = LiveCharger("cp000", True, 0, legs=(LiveLeg("partner", "primary", phase, 0),))
    of_use = {LegPhase.CONNECTED, LegPhase.PENDING, LegPhase.REGISTERED}
    assert is_well(live, "partner") is (None if phase is LegPhase.REGISTERING else phase in of_use)
    assert is_well(live, "grid") is False


def test_patience_is_the_longer_of_both_sides_and_nobody_stands_in_for_the_stand_in() -> None:
    assert patience_with(CHARGER, "partner") == Patience(45, 120)
    assert patience_with(replace(CHARGER, failover=FailoverRule("local", 5)), "partner") == Patience(30, 120)
    assert patience_with(replace(CHARGER, failover=FailoverRule("grid")), "grid") is None
    assert patience_with(replace(CHARGER, failover=None), "partner") is None


@pytest.mark.parametrize(
    ("away", "owners"),
    [
        (["partner"], {"metering": "local", "smart-charging": "grid"}),
        (["grid"], {"metering": "partner", "smart-charging": "local"}),
        (["partner", "grid"], {"metering": "local", "smart-charging": "local"}),
    ],
)
def test_the_stand_in_does_what_those_who_are_away_are_to_do(away: list[str], owners: dict[str, str]) -> None:
    state = Interventions(failovers=tuple(Failover("cp000", name, "local", EPOCH, "auto") for name in away))
    found = effective(SITE, state, EPOCH)["cp000"]
    assert {feature: found.owners[feature] for feature in owners} == owners
    assert all(found.leg(name) is not None for name in ("partner", "grid"))


def test_a_stand_in_that_owns_something_keeps_it() -> None:
    charger = replace(CHARGER, failover=FailoverRule("grid"))
    roles = stand_in_roles(charger, ["partner"])
    taken = roles["grid"]
    assert not isinstance(taken, str)
    assert (taken.name, taken.owns) == ("energy+primary", {"*", "smart-charging"})


def test_a_failover_counts_only_while_the_binding_still_has_it() -> None:
    failover = Failover("cp000", "partner", "local", EPOCH, "auto")
    assert still_declared(CHARGER, failover)
    assert not still_declared(CHARGER, replace(failover, to="grid"))
    assert not still_declared(CHARGER, replace(failover, backend="other"))
    gone = resolved(a_site(1))
    assert effective(gone, Interventions(failovers=(failover,)), EPOCH)["cp000"] is gone.chargers["cp000"]
