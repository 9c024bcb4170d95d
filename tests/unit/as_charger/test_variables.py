"""Variables of OCPP 2.x that are about the leg."""

from typing import Any

from reconciler.as_charger.settings import LegSettings
from reconciler.as_charger.variables import get_variables, set_variables
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


def test_what_can_be_read_is_the_leg_s() -> None:
    settings = LegSettings(profile=2, organization="My CPO", priority=(2, 1))
    names = ("SecurityProfile", "Identity", "OrganizationName", "NetworkConfigurationPriority", PASSWORD)
    wanted = [{"component": {"name": "SecurityCtrlr"}, "variable": {"name": name}} for name in names]
    decision = get_variables(asked("GetVariables", {"getVariableData": wanted}, version="ocpp2.1", settings=settings))
    found = [result.get("attributeValue") for result in decision.answer["getVariableResult"]]
    assert found == ["2", "CP1", "My CPO", "2,1", None]


def test_garbage_can_only_be_refused() -> None:
    for garbage in ({}, {"setVariableData": 5}, {"setVariableData": [5]}):
        assert set_variables(asked("SetVariables", garbage, version="ocpp2.1")) is None
