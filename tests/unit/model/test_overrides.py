"""Overrides hold from their start until before their end."""

from datetime import UTC, datetime, timedelta

from reconciler.model.overrides import Override

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_override_is_half_open() -> None:
    override = Override("1", "cp1", {"local": "primary"}, NOON, NOON + HOUR, "visit", "tech")
    moments = [NOON - timedelta(microseconds=1), NOON, NOON + HOUR - timedelta(microseconds=1), NOON + HOUR]
    assert [override.holds_at(moment) for moment in moments] == [False, True, True, False]


def test_without_an_end_it_holds_until_somebody_ends_it() -> None:
    override = Override("1", "cp1", {"local": "primary"}, NOON, None, "visit", "tech")
    assert override.holds_at(NOON + 10_000 * HOUR)
