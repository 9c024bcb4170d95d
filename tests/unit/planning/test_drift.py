"""Drift: what differs, and whether anybody asked for it."""

import pytest
from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg, Refusal
from reconciler.planning.drift import Asked, FieldDrift, Standing, State, compare
from tests.support.specs import a_site, resolved

WANTED = resolved(a_site(1, {"partner": "primary", "grid": "passive", "local": "passive"})).chargers["cp000"]
OTHER = resolved(a_site(1, {"partner": "passive", "grid": "primary", "local": "passive"})).chargers["cp000"]
ASKED = Asked(4, WANTED, confirmed=True)


def legs(**roles: str) -> tuple[LiveLeg, ...]:
    return tuple(LiveLeg(backend, role, LegPhase.REGISTERED, since_s=0) for backend, role in roles.items())


LIVE = LiveCharger(
    "cp000",
    connected=True,
    since_s=0,
    version="ocpp1.6",
    generation=4,
    owners=WANTED.owners,
    legs=legs(partner="primary", grid="passive"),
)


def standing(
    wanted: DesiredCharger | None = WANTED, asked: Asked | None = ASKED, live: LiveCharger | None = LIVE
) -> Standing:
    return compare("cp000", wanted, asked, live)


def test_what_runs_as_asked_is_in_sync() -> None:
    assert standing() == Standing("cp000", State.IN_SYNC)


def test_a_leg_that_is_down_is_health_and_no_drift() -> None:
    down = (replace(LIVE.legs[0], phase=LegPhase.DOWN), LIVE.legs[1])
    assert standing(live=replace(LIVE, legs=down)).state is State.IN_SYNC


def test_a_leg_that_still_waits_for_its_last_answer_is_no_drift() -> None:
    leaving = legs(partner="primary", grid="passive", old="passive")
    assert standing(live=replace(LIVE, legs=leaving)).state is State.IN_SYNC


@pytest.mark.parametrize("live", [None, replace(LIVE, connected=False)])
def test_an_offline_charger_has_nothing_to_compare(live: LiveCharger | None) -> None:
    assert standing(live=live).state is State.OFFLINE


def test_what_was_not_asked_yet_is_pending() -> None:
    assert standing(asked=None).state is State.PENDING
    assert standing(wanted=OTHER).state is State.PENDING


def test_what_was_asked_and_is_not_reached_is_pending() -> None:
    assert standing(wanted=OTHER, asked=Asked(5, OTHER)).state is State.PENDING


def test_a_refused_generation_is_refused_with_its_reason() -> None:
    refused = standing(wanted=OTHER, asked=Asked(5, OTHER), live=replace(LIVE, refused=Refusal(5, "grid rejects")))
    assert (refused.state, refused.differences) == (State.REFUSED, ("grid rejects",))
    assert FieldDrift("owners.firmware", "grid", "partner") in refused.fields
    assert FieldDrift("generation", "5", "4") in refused.fields
    assert refused.needs_attention


def test_an_old_refusal_does_not_count() -> None:
    assert standing(live=replace(LIVE, refused=Refusal(3, "grid rejects"))).state is State.IN_SYNC


def test_owners_that_nobody_asked_for_are_drift() -> None:
    drifted = standing(live=replace(LIVE, owners={**WANTED.owners, "firmware": "grid", "display": "grid"}))
    assert (drifted.state, drifted.differences) == (State.DRIFTED, ("grid owns firmware, display, partner is to",))
    assert drifted.fields == (
        FieldDrift("owners.firmware", "partner", "grid"),
        FieldDrift("owners.display", "partner", "grid"),
    )
    assert drifted.needs_attention


def test_legs_in_another_role_or_missing_are_drift() -> None:
    drifted = standing(live=replace(LIVE, legs=legs(partner="passive")))
    assert drifted.state is State.DRIFTED
    assert drifted.differences == ("grid has no leg, it is to be passive", "partner is passive, it is to be primary")
    assert drifted.fields == (
        FieldDrift("legs.grid.role", "passive", None),
        FieldDrift("legs.partner.role", "primary", "passive"),
    )


def test_fields_come_only_in_full() -> None:
    live = replace(LIVE, generation=3)
    brief = compare("cp000", WANTED, ASKED, live, in_full=False)
    assert brief == replace(standing(live=live), fields=())


def test_another_generation_is_drift() -> None:
    older = standing(live=replace(LIVE, generation=3))
    assert older.differences == ("runs generation 3, not 4",)
    assert older.fields == (FieldDrift("generation", "4", "3"),)


def test_a_leg_too_many_is_told_where_something_else_differs() -> None:
    drifted = standing(live=replace(LIVE, generation=3, legs=legs(partner="primary", grid="passive", old="passive")))
    assert FieldDrift("legs.old.role", None, "passive") in drifted.fields


def test_a_charger_that_is_connected_though_no_longer_declared_differs() -> None:
    gone = compare("cp000", None, Asked(5, None, confirmed=True), LIVE)
    assert (gone.state, gone.differences) == (State.DRIFTED, ("connected though it is not declared",))
    assert FieldDrift("owners.firmware", None, "partner") in gone.fields
