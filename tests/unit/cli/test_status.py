"""Who owns what, in one short line."""

import pytest

from reconciler.cli.status import owners_text


@pytest.mark.parametrize(
    ("owners", "text"),
    [
        ({}, ""),
        ({"transactions": "partner", "metering": "partner"}, "partner"),
        (
            {"transactions": "partner", "metering": "partner", "smart-charging": "grid"},
            "partner, grid: smart-charging",
        ),
        (
            {"a": "p", "b": "p", "c": "p", "d": "l", "e": "g", "f": "g"},
            "p, g: e f, l: d",
        ),
    ],
)
def test_who_owns_most_comes_first_and_the_others_with_their_features(owners: dict[str, str], text: str) -> None:
    assert owners_text(owners) == text
