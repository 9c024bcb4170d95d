"""What a leg has, told from the spec and from what its back-end has set."""

import pytest

from reconciler.as_charger.asked import rejected
from reconciler.as_charger.settings import LegSettings
from tests.unit.as_charger.legs import asked


@pytest.mark.parametrize(
    ("settings", "password", "expected"),
    [(LegSettings(), None, False), (LegSettings(password=b"x"), None, True)],
)
def test_a_password_is_there_whoever_set_it(settings: LegSettings, password: None, expected: bool) -> None:
    assert asked("Reset", {}, settings=settings, password=password).has_password is expected
    assert asked("Reset", {}).has_password


def test_the_profile_is_the_back_end_s_where_it_has_set_one() -> None:
    assert asked("Reset", {}).profile == 1
    assert asked("Reset", {}, settings=LegSettings(profile=2)).profile == 2


def test_a_refusal_changes_nothing() -> None:
    assert (rejected().answer, rejected().candidates) == ({"status": "Rejected"}, ())
