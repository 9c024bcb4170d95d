"""Keys of OCPP 1.6 that are about the leg."""

from typing import Any

import pytest

from reconciler.as_charger.configuration16 import change_configuration
from reconciler.model.desired import SecretRef
from tests.unit.as_charger.legs import asked

PASSWORD = "sixteen letters!"


def change(key: str, value: str, **more: int) -> tuple[object, list[bytes | None], bool]:
    decision = change_configuration(asked("ChangeConfiguration", {"key": key, "value": value}, **more))
    return decision.answer["status"], [each.password for each in decision.candidates], decision.reconnect


def test_a_key_is_taken_and_needs_a_new_connection() -> None:
    assert change("AuthorizationKey", PASSWORD) == ("Accepted", [PASSWORD.encode()], True)
    assert change("authorizationkey", PASSWORD) == ("Accepted", [PASSWORD.encode()], True)


@pytest.mark.parametrize("profile", [0, 3])
def test_where_it_is_not_in_use_it_is_kept_for_later(profile: int) -> None:
    assert change("AuthorizationKey", PASSWORD, profile=profile) == ("Accepted", [PASSWORD.encode()], False)


@pytest.mark.parametrize(("value", "more"), [("2", {}), ("3", {"certificate": SecretRef("file", "c")})])
def test_the_profile_goes_up_where_what_it_needs_is_there(value: str, more: dict[str, Any]) -> None:
    decision = change_configuration(asked("ChangeConfiguration", {"key": "SecurityProfile", "value": value}, **more))
    assert decision.answer == {"status": "Accepted"}
    assert [each.profile for each in decision.candidates] == [int(value)]
    assert decision.reconnect


@pytest.mark.parametrize(
    ("value", "more"),
    [
        ("0", {}),
        ("1", {}),
        ("3", {}),
        ("4", {}),
        ("two", {}),
        ("2", {"password": None}),
        ("1", {"profile": 2}),
        ("2", {"profile": 3}),
        ("1", {"profile": 0, "password": None}),
    ],
)
def test_the_profile_never_goes_down_nor_where_something_is_missing(value: str, more: dict[str, Any]) -> None:
    decision = change_configuration(asked("ChangeConfiguration", {"key": "SecurityProfile", "value": value}, **more))
    assert (decision.answer, decision.candidates) == ({"status": "Rejected"}, ())


def test_the_operator_s_name_is_kept_for_certificates() -> None:
    decision = change_configuration(asked("ChangeConfiguration", {"key": "CpoName", "value": "My CPO"}))
    assert [each.organization for each in decision.candidates] == ["My CPO"]
    assert not decision.reconnect


@pytest.mark.parametrize(
    ("key", "value"), [("AuthorizationKey", "short"), ("CpoName", "x" * 51), ("CentralSystemURL", "wss://elsewhere")]
)
def test_everything_else_is_rejected(key: str, value: str) -> None:
    assert change(key, value) == ("Rejected", [], False)
