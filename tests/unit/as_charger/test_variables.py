"""Variables of OCPP 2.x that are about the leg."""

from typing import Any

from reconciler.as_charger.settings import LegSettings
from reconciler.as_charger.variables import set_variables
from tests.unit.as_charger.legs import asked

PASSWORD = "BasicAuthPassword"


def item(component: str, variable: str, value: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": value, **more}


def statuses(*items: dict[str, Any]) -> tuple[list[str], list[bytes | None], bool]:
    decision = set_variables(asked("SetVariables", {"setVariableData": list(items)}, version="ocpp2.0.1"))
    assert decision is not None
    found = [result["attributeStatus"] for result in decision.answer["setVariableResult"]]
    return found, [each.password for each in decision.candidates], decision.reconnect


def test_a_password_is_taken_and_needs_a_new_connection() -> None:
    given = item("SecurityCtrlr", PASSWORD, "sixteen_letters1")
    assert statuses(given) == (["Accepted"], [b"sixteen_letters1"], True)


def test_only_its_actual_value_can_be_set() -> None:
    given = item("SecurityCtrlr", PASSWORD, "sixteen_letters1", attributeType="Target")
    assert statuses(given) == (["NotSupportedAttributeType"], [], False)


def test_items_are_answered_one_by_one_and_those_of_the_station_are_refused() -> None:
    given = item("SecurityCtrlr", PASSWORD, "sixteen_letters1"), item("AuthCtrlr", "Enabled", "true")
    assert statuses(*given) == (["Accepted", "Rejected"], [b"sixteen_letters1"], True)


def test_a_result_says_which_item_it_is_about_and_never_the_value() -> None:
    given = item("SecurityCtrlr", PASSWORD, "sixteen_letters1", attributeType="Actual")
    decision = set_variables(asked("SetVariables", {"setVariableData": [given]}, version="ocpp2.1"))
    assert decision is not None
    del given["attributeValue"]
    assert decision.answer == {"setVariableResult": [{"attributeStatus": "Accepted", **given}]}


def test_a_priority_names_slots_that_are_set_and_waits_for_a_reset() -> None:
    settings = LegSettings(networks={"1": {}, "2": {}})
    for value, expected in (("2, 1", "RebootRequired"), ("3", "Rejected"), ("1,1", "Rejected"), ("", "Rejected")):
        given = {"setVariableData": [item("OCPPCommCtrlr", "NetworkConfigurationPriority", value)]}
        decision = set_variables(asked("SetVariables", given, version="ocpp2.0.1", settings=settings))
        assert decision is not None
        assert decision.answer["setVariableResult"][0]["attributeStatus"] == expected
        assert [(each.priority, each.restart_due) for each in decision.candidates] == (
            [((2, 1), True)] if expected == "RebootRequired" else []
        )
        assert not decision.reconnect


def test_how_patiently_the_leg_asks_for_certificates_can_be_set() -> None:
    for variable, value, expected in (
        ("CertSigningWaitMinimum", "20", (20, 3)),
        ("CertSigningRepeatTimes", "0", (60, 0)),
        ("CertSigningWaitMinimum", "0", None),
        ("CertSigningWaitMinimum", "86401", None),
        ("CertSigningRepeatTimes", "-1", None),
        ("CertSigningRepeatTimes", "many", None),
        ("AllowCSMSTLSWildcards", "true", None),
    ):
        given = {"setVariableData": [item("SecurityCtrlr", variable, value)]}
        decision = set_variables(asked("SetVariables", given, version="ocpp2.0.1"))
        assert decision is not None
        restored = [LegSettings.restored(each.snapshot()) for each in decision.candidates]
        found = [(each.signing_wait_s, each.signing_repeats) for each in restored]
        assert found == ([] if expected is None else [expected]), (variable, value)


def test_garbage_can_only_be_refused() -> None:
    for garbage in ({}, {"setVariableData": 5}, {"setVariableData": [5]}):
        assert set_variables(asked("SetVariables", garbage, version="ocpp2.1")) is None
