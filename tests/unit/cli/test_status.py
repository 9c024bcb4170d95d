"""Who owns what, in one short line."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.cli.status import expiring, owners_text


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


def test_what_expires_soon_is_a_warning_and_what_does_not_is_nothing() -> None:
    soon, late = (datetime.now(UTC) + timedelta(days=days, hours=1) for days in (12, 200))
    (line,) = expiring("  ", soon.isoformat())
    assert line == f"  WARNING certificate expires {soon.isoformat()} (in 12 days)"
    assert list(expiring("  ", late.isoformat())) == list(expiring("  ", None)) == []
