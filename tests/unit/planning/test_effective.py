"""Effective desired state: outages and overrides on top of what is declared, for as long as they hold and fit."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import InvalidSpecs, UnknownAddress
from reconciler.model.features import FEATURES
from reconciler.model.interventions import Interventions
from reconciler.model.outages import Outage
from reconciler.model.overrides import Override
from reconciler.model.site import Site
from reconciler.planning.effective import Memo, decide, effective, misfits, next_boundary, toggle_roles, with_roles
from tests.support.clock import EPOCH
from tests.support.outages import adjusted, outage_document, window_at
from tests.support.sites import EVERY_KIND, SMALL, valid_site
from tests.support.specs import a_site, resolved

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TAKE_OVER = {"partner-pay": "passive", "local": "primary"}
SITE = valid_site(EVERY_KIND)


def override(
    roles: Mapping[str, str], charger: str = "cp001", start: datetime = NOON, until: datetime | None = None
) -> Override:
    return Override("o", charger, roles, start, until, "firmware", "tech")


def test_without_overrides_every_charger_is_the_same_object() -> None:
    chargers = effective(SITE, Interventions(), NOON)
    assert chargers.keys() == SITE.chargers.keys()
    assert all(chargers[name] is charger for name, charger in SITE.chargers.items())


def test_an_override_changes_its_charger_and_no_other() -> None:
    chargers = effective(SITE, Interventions((override(TAKE_OVER),)), NOON)
    taken = chargers["cp001"]
    assert taken.owners == {**dict.fromkeys(FEATURES, "local"), "smart-charging": "grid-co"}
    assert [(leg.backend.name, leg.role.name) for leg in taken.legs] == [
        ("partner-pay", "passive"),
        ("grid-co", "energy"),
        ("local", "primary"),
    ]
    assert taken.flip == SITE.chargers["cp001"].flip
    assert chargers["ice480-01-d1"] is SITE.chargers["ice480-01-d1"]


def test_an_override_holds_from_its_start_until_before_its_end() -> None:
    timed = override(TAKE_OVER, until=NOON + timedelta(hours=2))
    moments = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(minutes=119), NOON + timedelta(hours=2)]
    owners = [effective(SITE, Interventions((timed,)), moment)["cp001"].owners["metering"] for moment in moments]
    assert owners == ["partner-pay", "local", "local", "partner-pay"]


def test_the_younger_of_two_overrides_counts_alone() -> None:
    older = override(TAKE_OVER, start=NOON - timedelta(hours=1))
    younger = override({"partner-pay": "standby", "grid-co": "primary"})
    for order in ([older, younger], [younger, older]):
        legs = effective(SITE, Interventions(tuple(order)), NOON)["cp001"].legs
        assert [(leg.backend.name, leg.role.name) for leg in legs] == [
            ("partner-pay", "standby"),
            ("grid-co", "primary"),
            ("local", "passive"),
        ]


def test_an_override_that_changes_nothing_changes_no_object() -> None:
    same = override({"partner-pay": "primary"})
    assert effective(SITE, Interventions((same,)), NOON)["cp001"] is SITE.chargers["cp001"]


def test_a_back_end_outside_the_binding_can_take_over_local_too() -> None:
    site = valid_site(SMALL)
    for backend in ("local", "grid"):
        charger = with_roles(site, site.chargers["cp1"], {"partner": "passive", backend: "primary"})
        assert charger.owners["metering"] == backend
        assert [leg.backend.name for leg in charger.legs] == ["partner", backend]


def test_a_back_end_that_is_off_has_no_leg() -> None:
    charger = with_roles(SITE, SITE.chargers["cp001"], {"partner-pay": "off", "local": "primary"})
    assert charger.leg("partner-pay") is None
    assert charger.owners["metering"] == "local"


@pytest.mark.parametrize(
    ("roles", "error", "summary"),
    [
        ({"local": "primary"}, InvalidSpecs, "on charger cp001 each of the features"),
        ({"partner-pay": "passive"}, InvalidSpecs, "has no owner"),
        ({"nobody": "primary"}, UnknownAddress, "there is no backend nobody"),
        ({"local": "boss"}, UnknownAddress, "there is no role boss"),
    ],
)
def test_roles_that_do_not_fit_are_refused(roles: dict[str, str], error: type[Exception], summary: str) -> None:
    with pytest.raises(error, match=summary):
        with_roles(SITE, SITE.chargers["cp001"], roles)


def test_an_override_that_no_longer_fits_is_not_used_and_said() -> None:
    stale = [override({"local": "primary"}), override({"gone": "primary"}, charger="ice480-01-d1")]
    assert (
        effective(SITE, Interventions((*stale, override(TAKE_OVER, "ice480-01-d2"))), NOON)["ice480-01-d2"].owners[
            "metering"
        ]
        == "local"
    )
    assert effective(SITE, Interventions(tuple(stale)), NOON)["cp001"] is SITE.chargers["cp001"]
    found = misfits(SITE, Interventions(tuple(stale)), NOON)
    assert [finding.address for finding in found] == ["charger.cp001", "charger.ice480-01-d1"]
    assert all("no longer fits and is not used" in finding.summary and finding.hint for finding in found)
    assert misfits(SITE, Interventions((override(TAKE_OVER),)), NOON) == []


def test_an_override_of_a_charger_that_is_gone_is_nothing() -> None:
    gone = [override(TAKE_OVER, charger="gone")]
    assert effective(SITE, Interventions(tuple(gone)), NOON) == SITE.chargers
    assert misfits(SITE, Interventions(tuple(gone)), NOON) == []


def test_a_toggle_makes_the_owner_of_the_rest_passive() -> None:
    charger = SITE.chargers["cp001"]
    assert toggle_roles(charger, "local") == TAKE_OVER
    toggled = with_roles(SITE, charger, toggle_roles(charger, "local"))
    assert toggled.owners["smart-charging"] == "grid-co"
    back = with_roles(SITE, toggled, toggle_roles(toggled, "partner-pay"))
    assert back.owners == charger.owners


def test_a_toggle_to_who_is_primary_already_changes_nothing() -> None:
    assert toggle_roles(SITE.chargers["cp001"], "partner-pay") == {}


def test_a_toggle_to_an_owner_by_name_gives_it_everything() -> None:
    charger = SITE.chargers["cp001"]
    owners = with_roles(SITE, charger, toggle_roles(charger, "grid-co")).owners
    assert set(owners.values()) == {"grid-co"}


OUTAGE_SITE = resolved([*a_site(2), outage_document(flip={"openTransaction": "wait"})])
OPENING = EPOCH + timedelta(hours=1)


def owner_at(state: Interventions, moment: datetime, site: Site = OUTAGE_SITE) -> str:
    return effective(site, state, moment)["cp000"].owners["metering"]


def test_an_outage_holds_from_its_opening_until_before_its_end_and_brings_its_flip_policy() -> None:
    moments = [OPENING - timedelta(seconds=1), OPENING, OPENING + timedelta(minutes=119), OPENING + timedelta(hours=2)]
    assert [owner_at(Interventions(), moment) for moment in moments] == ["partner", "local", "local", "partner"]
    assert effective(OUTAGE_SITE, Interventions(), OPENING)["cp001"].flip.open_transaction == "wait"
    assert effective(OUTAGE_SITE, Interventions(), EPOCH)["cp001"].flip.open_transaction == "proceed"


def test_a_technician_beats_an_outage_and_afterwards_the_outage_holds() -> None:
    until = OPENING + timedelta(hours=1)
    pinned = Interventions((override({"partner": "primary"}, "cp000", EPOCH, until),))
    assert [owner_at(pinned, moment) for moment in (OPENING, until)] == ["partner", "local"]


def test_an_outage_begun_by_hand_beats_a_declared_one() -> None:
    site = resolved([*a_site(1, {"partner": "primary", "grid": "passive"}), outage_document()])
    by_hand = Outage("h", ("cp000",), window_at(OPENING, 3600), {"partner": "passive", "grid": "primary"}, actor="ann")
    state = Interventions(begun=(by_hand,))
    assert [owner_at(state, OPENING + timedelta(hours=hour), site) for hour in (0, 1, 2)] == [
        "grid",
        "local",
        "partner",
    ]


def test_of_outages_that_can_not_hold_together_the_one_that_opened_last_decides() -> None:
    spec = [*a_site(1, {"partner": "primary", "grid": "passive"}), outage_document(duration="1h")]
    later = outage_document("later", "2026-12-01T05:00", roles={"partner": "passive", "grid": "primary"})
    site = resolved([*spec, later])
    extended = Interventions(adjustments=(adjusted(site.outages[0], OPENING, OPENING + timedelta(hours=9)),))
    assert owner_at(extended, OPENING + timedelta(hours=1), site) == "grid"
    assert owner_at(extended, OPENING + timedelta(hours=8), site) == "local"


def test_what_stays_the_same_stays_the_same_object() -> None:
    memo: Memo = {}
    first = decide(OUTAGE_SITE, Interventions(), OPENING, memo).chargers["cp000"]
    assert decide(OUTAGE_SITE, Interventions(), OPENING + timedelta(hours=1), memo).chargers["cp000"] is first


def test_the_next_boundary_is_whatever_happens_first() -> None:
    held = Interventions((override({}, "cp000", EPOCH, EPOCH + timedelta(minutes=5)),))
    assert next_boundary(OUTAGE_SITE.outages, held, EPOCH) == EPOCH + timedelta(minutes=5)
    assert next_boundary(OUTAGE_SITE.outages, Interventions(), EPOCH) == OPENING
    assert next_boundary((), Interventions(), EPOCH) is None
