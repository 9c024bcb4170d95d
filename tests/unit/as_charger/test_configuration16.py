"""Keys of OCPP 1.6 that are about the leg."""

import pytest

from reconciler.as_charger.configuration16 import change_configuration
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


@pytest.mark.parametrize(("key", "value"), [("AuthorizationKey", "short"), ("CentralSystemURL", "wss://elsewhere")])
def test_everything_else_is_rejected(key: str, value: str) -> None:
    assert change(key, value) == ("Rejected", [], False)
