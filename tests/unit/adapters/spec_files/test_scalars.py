"""Scalars: YAML 1.2's core schema; nothing of YAML 1.1 bites."""

import pytest

from reconciler.adapters.spec_files.scalars import plain_scalar


@pytest.mark.parametrize("text", ["on", "off", "yes", "no", "y", "N", "On", "tRUE", "nUll"])
def test_the_booleans_of_yaml_1_1_are_text(text: str) -> None:
    assert plain_scalar(text) == text


@pytest.mark.parametrize(
    "text", ["1:20", "1_000", "0b11", "2026-12-01", "2026-12-01T02:00", "1.2.3", "+", "-", ".", "1e", "=", "<<"]
)
def test_sexagesimals_dates_and_underscores_are_text(text: str) -> None:
    assert plain_scalar(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0777", 777),
        ("-12", -12),
        ("0o17", 15),
        ("0xff", 255),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
    ],
)
def test_what_the_core_schema_knows_has_a_type(text: str, value: object) -> None:
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


@pytest.mark.parametrize("text", ["9" * 19, "1e999", ".inf", ".nan", "0x" + "f" * 40, "1" * 5000])
def test_numbers_out_of_any_sensible_range_stay_text(text: str) -> None:
    assert plain_scalar(text) == text
