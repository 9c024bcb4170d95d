"""Effective desired state: overrides on top of what is declared, for as long as they hold and fit."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import InvalidSpecs, UnknownAddress
from reconciler.model.features import FEATURES
from reconciler.model.interventions import Interventions
from reconciler.model.overrides import Override
from reconciler.planning.effective import effective, misfits, toggle_roles, with_roles
from tests.support.sites import EVERY_KIND, SMALL, valid_site

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
        effective(SITE, Interventions((*stale, override(TAKE_OVER, "ice480-01-d2"))), NOON)[
            "ice480-01-d2"
        ].owners["metering"]
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
