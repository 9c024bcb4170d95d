"""Variables of OCPP 2.x that are about the leg."""

from typing import Any

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


def test_garbage_can_only_be_refused() -> None:
    for garbage in ({}, {"setVariableData": 5}, {"setVariableData": [5]}):
        assert set_variables(asked("SetVariables", garbage, version="ocpp2.1")) is None
