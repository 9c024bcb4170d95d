"""Occurrences: openings of outages as people adjusted them, across clock changes, and the next edge."""

from datetime import UTC, datetime, timedelta

from reconciler.planning.occurrences import between, next_edge, occurrence, open_at, upcoming
from tests.support.outages import adjusted, once, weekly

HOUR = timedelta(hours=1)
OPENING = datetime(2026, 12, 1, 3, tzinfo=UTC)


def test_an_occurrence_is_open_from_its_opening_until_before_its_end() -> None:
    moments = [OPENING - timedelta(seconds=1), OPENING, OPENING + 2 * HOUR - timedelta(seconds=1), OPENING + 2 * HOUR]
    assert [len(open_at([once()], [], moment)) for moment in moments] == [0, 1, 1, 0]


def test_there_is_no_occurrence_where_the_window_does_not_open() -> None:
    assert occurrence(once(), OPENING + HOUR) is None
    assert occurrence(weekly(), datetime(2026, 12, 6, 1, tzinfo=UTC)) is not None


def test_a_weekly_outage_keeps_its_local_time_across_both_clock_changes() -> None:
    spring = [one.opening for one in upcoming(weekly(), [], datetime(2026, 3, 20, tzinfo=UTC), 3)]
    autumn = [one.opening for one in upcoming(weekly(), [], datetime(2026, 10, 16, tzinfo=UTC), 3)]
    assert [f"{opening:%m-%d %H:%M}" for opening in spring] == ["03-22 01:00", "03-29 01:00", "04-05 00:00"]
    assert [f"{opening:%m-%d %H:%M}" for opening in autumn] == ["10-18 00:00", "10-25 00:00", "11-01 01:00"]


def test_a_cancelled_opening_never_holds_and_the_next_one_does() -> None:
    first, second = upcoming(weekly(), [], OPENING, 2)
    cancelled = [adjusted(weekly(), first.opening, first.opening)]
    assert open_at([weekly()], cancelled, first.opening) == []
    assert len(open_at([weekly()], cancelled, second.opening)) == 1
    assert [one.cancelled for one in upcoming(weekly(), cancelled, OPENING, 2)] == [True, False]


def test_an_opening_that_was_ended_early_does_not_open_again() -> None:
    early = [adjusted(once(), OPENING, OPENING + HOUR)]
    assert len(open_at([once()], early, OPENING + HOUR - timedelta(seconds=1))) == 1
    assert open_at([once()], early, OPENING + HOUR) == []


def test_an_extended_opening_holds_until_its_new_end() -> None:
    longer = [adjusted(once(), OPENING, OPENING + 30 * HOUR)]
    assert len(open_at([once()], longer, OPENING + 29 * HOUR)) == 1
    assert open_at([once()], longer, OPENING + 30 * HOUR) == []


def test_an_adjustment_of_an_opening_that_moved_meanwhile_counts_for_nothing() -> None:
    stale = [adjusted(once(), OPENING + 7 * HOUR, OPENING + 99 * HOUR)]
    assert open_at([once()], stale, OPENING + 8 * HOUR) == []


def test_occurrences_between_two_instants_are_those_that_touch_them() -> None:
    since, before = datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 20, 1, tzinfo=UTC)
    assert [one.opening.day for one in between(weekly(), [], since, before)] == [6, 13]


def test_the_next_edge_is_an_opening_or_an_end() -> None:
    assert next_edge([once()], [], OPENING - HOUR) == OPENING
    assert next_edge([once()], [], OPENING) == OPENING + 2 * HOUR
    assert next_edge([once()], [], OPENING + 2 * HOUR) is None
    assert next_edge([once()], [adjusted(once(), OPENING, OPENING + 5 * HOUR)], OPENING) == OPENING + 5 * HOUR
