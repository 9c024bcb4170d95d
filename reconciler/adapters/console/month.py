"""A month as a calendar shows it: whole weeks from Monday, each day with the openings that touch it."""

import calendar
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from reconciler.model.outages import Occurrence


class Day(msgspec.Struct, frozen=True):
    """One day; `outside` of the month that is shown."""

    date: date
    outside: bool
    today: bool
    openings: tuple[Occurrence, ...]


class Month(msgspec.Struct, frozen=True):
    """The weeks of a month, and the months around it as a URL writes them."""

    first: date
    weeks: tuple[tuple[Day, ...], ...]
    before: str
    after: str


def month_asked(text: str, today: date) -> date:
    """Return the first day of the month that "2026-12" writes; of this month where it writes none."""
    written = re.fullmatch(r"(2[01][0-9]{2})-(0[1-9]|1[0-2])", text)
    return date(int(written[1]), int(written[2]), 1) if written is not None else today.replace(day=1)


def days_shown(first: date) -> tuple[datetime, datetime]:
    """Return when the weeks that show a month begin and end, in UTC."""
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return _midnight(weeks[0][0]), _midnight(weeks[-1][-1] + timedelta(days=1))


def month_of(first: date, today: date, openings: Iterable[Occurrence]) -> Month:
    """Return the calendar of a month with these openings; days are those of UTC."""
    found = tuple(openings)
    weeks = tuple(
        tuple(Day(day, day.month != first.month, day == today, _on(day, found)) for day in week)
        for week in calendar.Calendar().monthdatescalendar(first.year, first.month)
    )
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    return Month(first, weeks, f"{before:%Y-%m}", f"{after:%Y-%m}")


def _on(day: date, openings: Iterable[Occurrence]) -> tuple[Occurrence, ...]:
    start, end = _midnight(day), _midnight(day + timedelta(days=1))
    return tuple(one for one in openings if one.opening < end and (one.until > start or one.opening >= start))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
