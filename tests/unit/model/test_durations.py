"""Durations: what is one, what is not, and how they are written back."""

import pytest

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("72h", 259_200), ("0s", 0), ("0090s", 90)]
)
def test_a_whole_number_and_a_unit_is_a_duration(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "wrong", ["", "5", "m", "5 m", "1.5h", "-5m", "2d", "1h30m", "٣s", "5m\n", 300, 30.0, None, True]
)
def test_anything_else_is_refused_with_examples(wrong: object) -> None:
    with pytest.raises(InvalidValue, match="is not a duration") as refused:
        parse_duration(wrong)
    assert "72h" in refused.value.hint


def test_a_slip_of_the_pen_of_centuries_is_refused() -> None:
    with pytest.raises(InvalidValue, match="longer than ten years"):
        parse_duration("99999999h")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "90s"), (300, "5m"), (3600, "1h"), (259_200, "72h")])
def test_the_largest_unit_that_divides_is_canonical(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds
