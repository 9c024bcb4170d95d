"""Occurrences: which openings of outages there are, adjusted as people asked, and when the next thing happens."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from reconciler.model.outages import Adjustment, Occurrence, Outage
from reconciler.model.windows import Window

_OPENINGS_MAX: Final = 1000
"""Openings of one window that may overlap; more is a window that never closes."""


def occurrence(outage: Outage, opening: datetime, adjustments: Iterable[Adjustment] = ()) -> Occurrence | None:
    """Return the occurrence of `outage` that opens at `opening`, None where none does."""
    if outage.window.next_opening(opening - timedelta(seconds=1)) != opening:
        return None
    until = opening + timedelta(seconds=outage.window.duration_s)
    for adjustment in adjustments:
        if (adjustment.outage, adjustment.opening) == (outage.name, opening):
            return Occurrence(outage, opening, adjustment.until, adjustment)
    return Occurrence(outage, opening, until)


def between(
    outage: Outage, adjustments: Iterable[Adjustment], since: datetime, before: datetime
) -> Iterator[Occurrence]:
    """Yield the occurrences, cancelled ones too, that end or would have ended after `since` and open before `before`.

    By opening; of one that opens again and again, at most a thousand.
    """
    mine = [adjustment for adjustment in adjustments if adjustment.outage == outage.name]
    duration = timedelta(seconds=outage.window.duration_s)
    openings = set(islice(_openings(outage.window, since - duration, before), _OPENINGS_MAX))
    openings |= {adjustment.opening for adjustment in mine if adjustment.opening < before and adjustment.until > since}
    for opening in sorted(openings):
        found = occurrence(outage, opening, mine)
        if found is not None:
            yield found


def open_at(outages: Iterable[Outage], adjustments: Iterable[Adjustment], now: datetime) -> list[Occurrence]:
    """Return the occurrences that are open at `now`, the one that opened first first."""
    adjusted = tuple(adjustments)
    found = [
        candidate
        for outage in outages
        for candidate in between(outage, adjusted, now, now + timedelta(microseconds=1))
        if candidate.holds_at(now)
    ]
    return sorted(found, key=lambda candidate: (candidate.opening, candidate.outage.name))


def upcoming(outage: Outage, adjustments: Iterable[Adjustment], now: datetime, limit: int) -> Iterator[Occurrence]:
    """Yield the next `limit` occurrences that open after `now`, cancelled ones too."""
    adjusted = tuple(adjustments)
    opening = outage.window.next_opening(now)
    for _ in range(limit):
        if opening is None:
            return
        found = occurrence(outage, opening, adjusted)
        if found is not None:
            yield found
        opening = outage.window.next_opening(opening)


def next_edge(outages: Iterable[Outage], adjustments: Iterable[Adjustment], now: datetime) -> datetime | None:
    """Return the first instant after `now` at which an outage opens or closes, None where none ever does."""
    adjusted, found = tuple(adjustments), tuple(outages)
    edges = [opening for outage in found if (opening := outage.window.next_opening(now)) is not None]
    edges += [held.until for held in open_at(found, adjusted, now)]
    return min(edges, default=None)


def _openings(window: Window, after: datetime, before: datetime) -> Iterator[datetime]:
    opening = window.next_opening(after)
    while opening is not None and opening < before:
        yield opening
        opening = window.next_opening(opening)
