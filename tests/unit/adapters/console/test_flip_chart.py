"""Flips by the hour."""

from datetime import UTC, datetime, timedelta

from reconciler.adapters.console.flip_chart import HOURS, flips_by_hour
from reconciler.model.history import HistoryEvent

NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)


def test_each_flip_is_in_its_hour_and_nothing_else_counts() -> None:
    ago = [("flip", 0.1), ("flip", 0.2), ("flip", 23.9), ("flip", 24.1), ("toggle", 1.0)]
    bars = flips_by_hour([HistoryEvent(NOW - timedelta(hours=hours), kind, "") for kind, hours in ago], NOW)
    assert len(bars) == HOURS
    assert (bars[0].count, bars[-1].count, sum(bar.count for bar in bars)) == (1, 2, 3)
    assert (bars[0].height, bars[-1].height, bars[5].height) == (50.0, 100.0, 0.0)


def test_a_quiet_day_has_no_bar() -> None:
    assert {bar.height for bar in flips_by_hour([], NOW)} == {0.0}
