"""Ownership: each feature has exactly one owner, and one version serves all owners."""

from reconciler.model.desired import Backend, DesiredLeg, Role, VendorMessage
from reconciler.model.features import FEATURES, OCPP_VERSIONS
from reconciler.planning.ownership import deaf_backends, owners_of, ownership_faults, version_faults


def leg(name: str, *owns: str, versions: tuple[str, ...] = OCPP_VERSIONS, vendor: str = "") -> DesiredLeg:
    messages = (VendorMessage(vendor),) if vendor else ()
    return DesiredLeg(
        Backend(name, f"wss://{name}", versions), Role(f"r-{name}", frozenset(owns), vendor_messages=messages)
    )


def test_the_owner_of_the_rest_takes_what_nobody_owns_by_name() -> None:
    owners = owners_of([leg("partner", "*"), leg("grid", "smart-charging"), leg("local")])
    assert owners == {**dict.fromkeys(FEATURES, "partner"), "smart-charging": "grid"}


def test_all_features_may_be_owned_by_name() -> None:
    assert owners_of([leg("a", *FEATURES[:9]), leg("b", *FEATURES[9:])]).keys() == set(FEATURES)


def test_an_owner_of_the_rest_may_own_by_name_too() -> None:
    assert owners_of([leg("a", "*", "metering"), leg("b", "firmware")])["metering"] == "a"
    [fault] = ownership_faults([leg("a", "*", "firmware"), leg("b", "firmware")])
    assert fault.summary == "feature firmware has 2 owners: a and b"


def test_two_owners_of_the_rest_are_a_fault_of_the_later() -> None:
    [fault] = ownership_faults([leg("a", "*"), leg("b", "*")])
    assert (fault.summary, fault.backend) == ("every feature has 2 owners: a and b", "b")
    assert "passive" in fault.hint


def test_two_owners_by_name_are_a_fault_and_the_owner_of_the_rest_does_not_help() -> None:
    [fault] = ownership_faults([leg("a", "*"), leg("b", "metering"), leg("c", "metering")])
    assert fault.summary == "feature metering has 2 owners: b and c"


def test_features_without_owner_are_told_together() -> None:
    [fault] = ownership_faults([leg("a", *FEATURES[:-2])])
    assert fault.summary == "each of the features der-control, battery-swap has no owner"
    assert "primary" in fault.hint
    assert [fault.summary for fault in ownership_faults([])] == ["every feature has no owner"]


def test_one_vendor_message_has_one_owner() -> None:
    [fault] = ownership_faults([leg("a", "*", vendor="com.acme"), leg("b", vendor="com.acme")])
    assert fault.summary == "vendor message com.acme/* has 2 owners: a and b"
    assert list(ownership_faults([leg("a", "*", vendor="com.acme"), leg("b", vendor="org.acme")])) == []


def test_an_owner_must_speak_a_version_of_the_charger() -> None:
    [fault] = version_faults([leg("a", "*", versions=("ocpp1.6",))], ["ocpp2.1", "ocpp2.0.1"])
    assert fault.summary == "a (r-a) speaks ocpp1.6, but the charger only ocpp2.0.1, ocpp2.1"
    assert fault.backend == "a"
    assert fault.hint


def test_all_owners_must_share_one_version_with_the_charger() -> None:
    legs = [leg("a", "*", versions=("ocpp1.6",)), leg("b", "metering", versions=("ocpp2.0.1",))]
    [fault] = version_faults(legs, ["ocpp1.6", "ocpp2.0.1"])
    assert fault.summary == "b (r-b) speaks ocpp2.0.1, but the charger and its other owners only ocpp1.6"


def test_who_owns_nothing_need_not_speak_a_version_but_is_deaf_then() -> None:
    legs = [leg("a", "*"), leg("b", versions=("ocpp1.6",))]
    assert list(version_faults(legs, ["ocpp2.1"])) == []
    assert list(deaf_backends(legs, ["ocpp2.1"])) == ["b"]
    assert list(deaf_backends(legs, ["ocpp1.6"])) == []
