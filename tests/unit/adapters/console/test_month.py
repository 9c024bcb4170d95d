"""The calendar: whole weeks, each day with what is open on it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from reconciler.adapters.console.month import days_shown, month_asked, month_of
from reconciler.model.outages import Occurrence, Outage
from reconciler.model.windows import Window

TODAY = date(2026, 12, 9)


def opening(day: int, hour: int, hours: float) -> Occurrence:
    start = datetime(2026, 12, day, hour, tzinfo=UTC)
    return Occurrence(Outage("o", ("cp1",), Window(3600, start=start), {}), start, start + timedelta(hours=hours))


def test_an_opening_over_midnight_is_on_both_days_and_a_cancelled_one_on_its_own() -> None:
    month = month_of(date(2026, 12, 1), TODAY, [opening(3, 23, 2), opening(8, 0, 0), opening(10, 22, 2)])
    days = {day.date.day: day for week in month.weeks for day in week if not day.outside}
    assert [day for day, shown in days.items() if shown.openings] == [3, 4, 8, 10]
    assert days[9].today
    assert (month.before, month.after) == ("2026-11", "2027-01")


def test_weeks_are_whole_and_begin_on_monday() -> None:
    month = month_of(date(2026, 2, 1), TODAY, [])
    assert {len(week) for week in month.weeks} == {7}
    assert month.weeks[0][0].date == date(2026, 1, 26)
    assert days_shown(date(2026, 2, 1)) == (datetime(2026, 1, 26, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "x", "2026", "2026-13", "2026-00", "99999-01", "²-1", "1900-01"])
def test_what_is_no_month_is_this_month(text: str) -> None:
    assert month_asked(text, TODAY) == date(2026, 12, 1)
    assert month_asked("2027-03", TODAY) == date(2027, 3, 1)
