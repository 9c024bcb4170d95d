"""The chart of messages over time: a strip of bars for each direction and each back-end, and the same as a table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from reconciler.app.message_counts import BIN_S, Counts
from reconciler.app.passed import DOWN, UP

Whose = Literal["the charger", "chargers"]

_BARS: Final = {"the charger": 30, "chargers": 48}
_ROWS: Final = {"the charger": 6, "chargers": 8}


class CountBar(msgspec.Struct, frozen=True):
    """One stretch of time: `x` and `width` in percent of the strip, `height` in percent of the highest of all bars."""

    since: datetime
    count: int
    x: float
    width: float
    height: float


class CountLane(msgspec.Struct, frozen=True):
    """A direction, or a back-end (`backend` is its name then); bars only where something passed."""

    name: str
    backend: str
    total: int
    bars: tuple[CountBar, ...]


class CountRow(msgspec.Struct, frozen=True):
    """A line of the table: the counts of each lane from `since` to `until`."""

    since: datetime
    until: datetime
    counts: tuple[int, ...]


class MessageChart(msgspec.Struct, frozen=True):
    """What is drawn, and the same for who would rather read; `told` is the picture in one sentence."""

    since: datetime
    until: datetime
    lanes: tuple[CountLane, ...]
    rows: tuple[CountRow, ...]
    told: str


def message_chart(counts: Counts, whose: Whose) -> MessageChart | None:
    """Return the chart of these counts, None where nothing passed."""
    named = {UP: f"From {whose}", DOWN: f"To {whose}"}
    order = [lane for lane in (UP, DOWN) if lane in counts.lanes] + sorted(counts.lanes.keys() - named.keys())
    if not order:
        return None
    bins = len(counts.lanes[order[0]])
    drawn = {lane: _sums(counts.lanes[lane], bins // _BARS[whose]) for lane in order}
    most = max(map(max, drawn.values()))
    lanes = tuple(
        CountLane(
            named.get(lane, lane),
            "" if lane in named else lane,
            sum(drawn[lane]),
            _bars(drawn[lane], counts, bins, most),
        )
        for lane in order
    )
    told = ", ".join(f"{lane.name[:1].lower()}{lane.name[1:]} {lane.total}" for lane in lanes)
    return MessageChart(
        counts.since, counts.until, lanes, _rows(counts, order, bins // _ROWS[whose]), f"Messages {told}"
    )


def _sums(counts: Sequence[int], group: int) -> list[int]:
    return [sum(counts[start : start + group]) for start in range(0, len(counts), group)]


def _bars(sums: Sequence[int], counts: Counts, bins: int, most: int) -> tuple[CountBar, ...]:
    width = 100 / len(sums)
    long = timedelta(seconds=BIN_S * bins // len(sums))
    return tuple(
        CountBar(
            counts.since + number * long, count, round(number * width, 3), round(width * 0.8, 3), _height(count, most)
        )
        for number, count in enumerate(sums)
        if count
    )


def _height(count: int, most: int) -> float:
    """Return a height that shows: one message beside a thousand is still there."""
    return max(6.0, round(count / most * 100, 1))


def _rows(counts: Counts, lanes: Sequence[str], group: int) -> tuple[CountRow, ...]:
    """Return the table, newest first."""
    sums = [_sums(counts.lanes[lane], group) for lane in lanes]
    long = timedelta(seconds=BIN_S * group)
    rows = [
        CountRow(counts.since + number * long, min(counts.since + (number + 1) * long, counts.until), each)
        for number, each in enumerate(zip(*sums, strict=True))
    ]
    return tuple(reversed(rows))
