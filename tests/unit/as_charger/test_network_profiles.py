"""Network profiles on a leg: what a slot may hold, and the reset that makes it count."""

from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.as_charger.network_profiles import SLOTS_MAX, reset, set_network_profile
from reconciler.as_charger.settings import LegSettings
from reconciler.model.desired import SecretRef
from tests.unit.as_charger.legs import asked

SLOT = {"securityProfile": 2, "ocppCsmsUrl": "wss://csms.example/tls", "ocppTransport": "JSON"}


def accepted(slot: dict[str, Any], number: object = 1, **more: Any) -> bool:
    payload = {"configurationSlot": number, "connectionData": slot}
    decision = set_network_profile(asked("SetNetworkProfile", payload, version="ocpp2.1", **more))
    assert not decision.reconnect
    assert bool(decision.candidates) == (decision.answer["status"] == "Accepted")
    return bool(decision.candidates)


@pytest.mark.parametrize(
    "slot",
    [
        SLOT,
        {**SLOT, "ocppCsmsUrl": "wss://CSMS.example:8443/other?".rstrip("?")},
        {**SLOT, "securityProfile": 1, "ocppCsmsUrl": "ws://csms.example/x"},
        {**SLOT, "identity": "CP1", "basicAuthPassword": "sixteen_letters1"},
    ],
)
def test_a_slot_at_the_same_host_is_taken(slot: dict[str, Any]) -> None:
    assert accepted(slot)


@pytest.mark.parametrize(
    "slot",
    [
        {**SLOT, "ocppCsmsUrl": "wss://elsewhere.example/ocpp"},
        {**SLOT, "ocppCsmsUrl": "wss://csms.example@evil.example/ocpp"},
        {**SLOT, "ocppCsmsUrl": "wss://user@csms.example/ocpp"},
        {**SLOT, "ocppCsmsUrl": "ws://csms.example/ocpp"},
        {**SLOT, "ocppCsmsUrl": "wss://csms.example:port/ocpp"},
        {**SLOT, "ocppCsmsUrl": "wss://csms.example/?x=1"},
        {**SLOT, "ocppCsmsUrl": 5},
        {**SLOT, "securityProfile": 0, "ocppCsmsUrl": "ws://csms.example/ocpp"},
        {**SLOT, "securityProfile": 3},
        {**SLOT, "securityProfile": True},
        {**SLOT, "securityProfile": 4},
        {**SLOT, "ocppTransport": "SOAP"},
        {**SLOT, "identity": "CP2"},
        {**SLOT, "basicAuthPassword": "short"},
    ],
)
def test_everything_else_is_rejected(slot: dict[str, Any]) -> None:
    assert not accepted(slot)


def test_the_second_address_of_the_spec_is_its_host_too() -> None:
    ask = asked("SetNetworkProfile", {"configurationSlot": 1, "connectionData": {**SLOT, "ocppCsmsUrl": "wss://tls/x"}})
    assert set_network_profile(ask).candidates == ()
    wider = replace(ask, declared=replace(ask.declared, tls_url="wss://tls/ocpp"))
    assert set_network_profile(wider).candidates != ()


def test_down_goes_only_from_3_to_2_and_where_the_spec_allows_it() -> None:
    down: dict[str, Any] = {"profile": 3, "certificate": SecretRef("file", "c")}
    assert not accepted(SLOT, **down)
    assert accepted(SLOT, **down, allow_downgrade_from=3)
    assert not accepted(
        {**SLOT, "securityProfile": 1, "ocppCsmsUrl": "ws://csms.example/"}, **down, allow_downgrade_from=3
    )


@pytest.mark.parametrize("number", [None, "1", True])
def test_a_slot_has_a_number(number: object) -> None:
    assert not accepted(SLOT, number)


def test_slots_are_bounded() -> None:
    full = LegSettings(networks={str(number): SLOT for number in range(SLOTS_MAX)})
    assert not accepted(SLOT, SLOTS_MAX, settings=full)
    assert accepted(SLOT, 0, settings=full)


def test_a_reset_tries_the_slots_in_their_order_and_forgets_lower_profiles() -> None:
    low = {**SLOT, "securityProfile": 1, "ocppCsmsUrl": "ws://csms.example/low"}
    settings = LegSettings(networks={"1": low, "2": SLOT}, priority=(2, 1), restart_due=True)
    decision = reset(asked("Reset", {"type": "Immediate"}, version="ocpp2.0.1", settings=settings))
    assert decision is not None
    assert decision.reconnect
    assert [(each.profile, each.url, each.restart_due) for each in decision.candidates] == [
        (2, "wss://csms.example/tls", False),
        (1, "ws://csms.example/low", False),
    ]
    assert (decision.candidates[0].networks, decision.candidates[0].priority) == ({"2": SLOT}, (2,))


def test_a_slot_s_own_password_comes_with_it() -> None:
    settings = LegSettings(
        networks={"1": {**SLOT, "basicAuthPassword": "sixteen_letters1"}}, priority=(1,), restart_due=True
    )
    decision = reset(asked("Reset", {}, version="ocpp2.1", settings=settings))
    assert decision is not None
    assert decision.candidates[0].password == b"sixteen_letters1"


def test_a_reset_for_which_nothing_waits_is_not_about_the_leg() -> None:
    assert (
        reset(asked("Reset", {}, version="ocpp2.1", settings=LegSettings(networks={"1": SLOT}, priority=(1,)))) is None
    )


def test_a_reset_whose_slots_no_longer_fit_is_rejected() -> None:
    settings = LegSettings(networks={"1": SLOT}, priority=(1,), restart_due=True)
    decision = reset(asked("Reset", {}, version="ocpp2.1", settings=settings, password=None))
    assert decision is not None
    assert (decision.answer, decision.candidates) == ({"status": "Rejected"}, ())


def test_slot_1_is_the_spec_s_until_something_else_is_put_there() -> None:
    settings = LegSettings(networks={"2": SLOT}, priority=(2, 1), restart_due=True)
    decision = reset(asked("Reset", {}, version="ocpp2.0.1", settings=settings, profile=2))
    assert decision is not None
    assert [(each.profile, each.url, each.priority) for each in decision.candidates] == [
        (2, SLOT["ocppCsmsUrl"], (2, 1)),
        (None, None, (2, 1)),
    ]


def test_once_a_higher_profile_works_the_spec_s_slot_is_gone() -> None:
    settings = LegSettings(networks={"2": SLOT}, priority=(2, 1), restart_due=True)
    decision = reset(asked("Reset", {}, version="ocpp2.0.1", settings=settings))
    assert decision is not None
    raised, _ = decision.candidates
    assert (raised.profile, raised.priority) == (2, (2,))
    later = asked("Reset", {}, version="ocpp2.0.1", settings=LegSettings(profile=2, priority=(1,), restart_due=True))
    assert reset(later) is not None
    assert reset(later).answer == {"status": "Rejected"}  # type: ignore[union-attr]
