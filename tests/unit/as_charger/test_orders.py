"""Every action has its judge."""

from reconciler.as_charger.orders import decide
from tests.unit.as_charger.legs import asked


def test_an_order_reaches_its_judge() -> None:
    decision = decide(asked("ChangeConfiguration", {"key": "AuthorizationKey", "value": "sixteen letters!"}))
    assert decision is not None
    assert decision.answer == {"status": "Accepted"}


def test_what_nobody_judges_is_refused() -> None:
    assert decide(asked("Reset", {"type": "Hard"})) is None
