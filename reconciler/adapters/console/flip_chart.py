"""How often owners changed: flips by the hour, over the last day, as bars."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from reconciler.model.history import HistoryEvent

HOURS: Final = 24


class Bar(msgspec.Struct, frozen=True):
    """One hour: `height` in percent of the highest."""

    since: datetime
    count: int
    height: float


def flips_by_hour(events: Iterable[HistoryEvent], now: datetime) -> tuple[Bar, ...]:
    """Return the last 24 hours, oldest first, each with how many flips `events` have in it."""
    first = now - timedelta(hours=HOURS)
    counts = [0] * HOURS
    for event in events:
        hour = int((event.at - first).total_seconds() // 3600)
        if event.kind == "flip" and 0 <= hour < HOURS:
            counts[hour] += 1
    most = max(counts) or 1
    return tuple(
        Bar(first + timedelta(hours=hour), count, round(count / most * 100, 1)) for hour, count in enumerate(counts)
    )
