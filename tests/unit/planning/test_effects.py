"""Effects: who goes through what."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger
from reconciler.model.documents import Document
from reconciler.model.features import FEATURES
from reconciler.model.live import LiveCharger, LiveTransaction
from reconciler.model.plan import Disruption, Effect, Move
from reconciler.planning.effects import effects_of, moves_between
from tests.support.specs import a_site, backend, binding, charger, profile, resolved, role, without

ONLINE = LiveCharger("", connected=True, since_s=0, version="ocpp1.6")
CHARGING = replace(ONLINE, transactions=(LiveTransaction("1", "partner", 0),))
PARTNER_LEADS = {"partner": "primary", "grid": "passive"}
GRID_LEADS = {"partner": "passive", "grid": "primary"}


def effect(before: Sequence[Document], after: Sequence[Document], live: LiveCharger = ONLINE) -> Effect:
    (found,) = effects_of(resolved(before).chargers, resolved(after).chargers, {"cp000": live})
    return found


def test_equal_desired_state_has_no_effect() -> None:
    assert effects_of(resolved(a_site()).chargers, resolved(a_site()).chargers, {}) == ()


def test_a_change_of_owners_is_a_live_flip_that_says_who_gains_and_loses() -> None:
    found = effect(a_site(1, PARTNER_LEADS), a_site(1, GRID_LEADS))
    assert found.disruption is Disruption.LIVE_FLIP
    assert found.moves == (Move(FEATURES, "partner", "grid"),)
    assert found.notes == ("partner: primary -> passive", "grid: passive -> primary")
    assert found.chargers == ("cp000",)


def test_chargers_with_the_same_fate_are_one_group_however_many() -> None:
    before, after = resolved(a_site(30, PARTNER_LEADS)).chargers, resolved(a_site(30, GRID_LEADS)).chargers
    live = {f"cp{number:03}": CHARGING if number < 3 else ONLINE for number in range(20)}
    (found,) = effects_of(before, after, live)
    assert (len(found.chargers), len(found.in_transaction), len(found.deferred)) == (20, 3, 10)
    assert found.names == (*found.chargers, *found.deferred)


def test_only_the_features_that_move_are_named() -> None:
    after = [*a_site(1, {"partner": "primary", "grid": "energy"}), role("energy", "smart-charging")]
    found = effect(a_site(1), after)
    assert found.moves == (Move(("smart-charging",), "partner", "grid"),)
    assert found.notes == ("grid joins as energy",)


def test_an_observer_that_joins_or_leaves_disturbs_nobody() -> None:
    joins = effect(a_site(1), a_site(1, PARTNER_LEADS))
    leaves = effect(a_site(1, PARTNER_LEADS), a_site(1))
    assert (joins.disruption, joins.notes) == (Disruption.NONE, ("grid joins as passive",))
    assert (leaves.disruption, leaves.notes) == (Disruption.NONE, ("grid leaves",))


def test_a_role_that_means_something_else_is_said() -> None:
    roles = {"partner": "primary", "grid": "watcher"}
    watcher = role("watcher", "smart-charging")
    found = effect([*a_site(1, roles), role("watcher")], [*a_site(1, roles), watcher])
    assert "grid: what role watcher may do changes" in found.notes


@pytest.mark.parametrize("policy", ["wait", "skip"])
def test_with_an_open_transaction_the_policy_may_refuse_until_it_ends(policy: str) -> None:
    flip = {"openTransaction": policy}
    before, after = a_site(1, PARTNER_LEADS, flip=flip), a_site(1, GRID_LEADS, flip=flip)
    assert effect(before, after, CHARGING).until == "the open transaction ends"
    assert effect(before, after, CHARGING).disruption is Disruption.REFUSED
    assert effect(before, after, ONLINE).disruption is Disruption.LIVE_FLIP


def test_a_transaction_does_not_matter_to_a_flip_of_other_features() -> None:
    flip = {"openTransaction": "wait"}
    energy = [*a_site(1, {"partner": "primary", "grid": "energy"}, flip=flip), role("energy", "smart-charging")]
    assert effect(a_site(1, flip=flip), energy, CHARGING).disruption is Disruption.LIVE_FLIP


def test_a_winner_that_does_not_speak_the_stations_version_waits_for_one_it_speaks() -> None:
    modern = charger("cp000", versions=["ocpp1.6", "ocpp2.0.1"])
    grid = backend("grid", versions=["ocpp2.0.1"])
    before = [*without(a_site(0, PARTNER_LEADS), "grid"), grid, modern]
    after = [*without(a_site(0, GRID_LEADS), "grid"), grid, modern]
    found = effect(before, after)
    assert found.disruption is Disruption.REFUSED
    assert found.until == "it connects with ocpp2.0.1, all that grid speaks"


@pytest.mark.parametrize(
    ("spec", "note"),
    [
        ({"identity": "OTHER"}, "identity cp000 -> OTHER"),
        ({"quirks": {"pingInterval": "60s"}}, "the station's quirks change"),
        ({"securityProfile": "basic"}, "the station's security changes"),
        ({"versions": ["ocpp2.1"]}, "versions ocpp1.6 -> ocpp2.1"),
    ],
)
def test_what_a_station_must_connect_anew_for_is_a_reconnect(spec: dict[str, Any], note: str) -> None:
    speaks_both = backend("partner", versions=["ocpp2.1", "ocpp1.6"])
    rest = [profile(), profile("basic"), speaks_both, binding()]
    rest[1] = type(rest[1])({**rest[1].content, "spec": {"profile": 1, "password": {"fromEnv": "FWDCTL_SECRET_A"}}})
    found = effect([*rest, charger("cp000")], [*rest, charger("cp000", **spec)])
    assert found.disruption is Disruption.RECONNECT
    assert note in found.notes


def test_a_version_more_and_other_settings_disturb_nobody() -> None:
    before = [profile(), backend("partner"), binding(), charger("cp000")]
    after = [
        profile(),
        backend("partner", callTimeout="10s"),
        binding(whenOwnerIsDown="buffer", flip={"confirmWithin": "5s"}),
        charger("cp000", versions=["ocpp2.1", "ocpp1.6"], serialNumber="SN-1"),
    ]
    found = effect(before, after)
    assert found.disruption is Disruption.NONE
    assert found.notes == (
        "versions ocpp1.6 -> ocpp2.1, ocpp1.6",
        "when the owner is down: close -> buffer",
        "settings change",
        "serial number or labels change",
        "partner: versions or timing change",
    )


def test_an_owner_that_is_dialled_again_is_a_reconnect_and_an_observer_is_not() -> None:
    def moved(name: str) -> list[Document]:
        return [*without(a_site(1, PARTNER_LEADS), name), backend(name, "ws://127.0.0.1:1/elsewhere")]

    owner, observer = (effect(a_site(1, PARTNER_LEADS), moved(name)) for name in ("partner", "grid"))
    assert (owner.disruption, owner.notes) == (Disruption.RECONNECT, ("partner is dialled again",))
    assert (observer.disruption, observer.notes) == (Disruption.NONE, ("grid is dialled again",))


def test_a_charger_that_is_no_longer_declared_loses_its_connection() -> None:
    before = resolved(a_site(1)).chargers
    (found,) = effects_of(before, {}, {"cp000": ONLINE})
    assert (found.disruption, found.chargers) == (Disruption.DISCONNECT, ("cp000",))
    assert found.notes == ("no longer declared: its connection is closed",)


def test_a_new_charger_is_deferred_to_its_first_connection() -> None:
    after: dict[str, DesiredCharger] = dict(resolved(a_site(1)).chargers)
    (found,) = effects_of({}, after, {})
    assert (found.disruption, found.chargers, found.deferred) == (Disruption.NONE, (), ("cp000",))


def test_moves_are_grouped_by_loser_and_winner_in_the_order_of_the_features() -> None:
    before = dict.fromkeys(FEATURES, "partner")
    after = before | {"smart-charging": "grid", "firmware": "local", "metering": "grid"}
    assert moves_between(before, after) == (
        Move(("metering", "smart-charging"), "partner", "grid"),
        Move(("firmware",), "partner", "local"),
    )
