"""The chart of messages: what is drawn, and the same as a table."""

from datetime import timedelta

from reconciler.adapters.console.message_chart import message_chart
from reconciler.app.message_counts import BIN_S, CHARGER_BINS, FLEET_BINS, Counts
from reconciler.app.passed import DOWN, UP
from tests.support.clock import EPOCH


def counts(bins: int, **lanes: dict[int, int]) -> Counts:
    names = {"up": UP, "down": DOWN}
    found = {names.get(lane, lane): tuple(some.get(n, 0) for n in range(bins)) for lane, some in lanes.items()}
    return Counts(EPOCH, EPOCH + timedelta(seconds=BIN_S * bins - 60), found)


def test_a_charger_has_a_strip_for_each_direction_and_back_end() -> None:
    chart = message_chart(counts(CHARGER_BINS, partner={0: 1}, down={29: 5}, up={29: 10, 0: 1}), "the charger")
    assert chart is not None
    assert [(lane.name, lane.backend, lane.total) for lane in chart.lanes] == [
        ("From the charger", "", 11),
        ("To the charger", "", 5),
        ("partner", "partner", 1),
    ]
    first, last = chart.lanes[0].bars
    assert (first.x, first.count, last.x, last.height) == (0.0, 1, 96.667, 100.0)
    assert first.height >= 6  # one beside ten is seen
    assert chart.lanes[1].bars[0].height == 50.0
    assert last.since == EPOCH + timedelta(seconds=29 * BIN_S)
    assert chart.told == "Messages from the charger 11, to the charger 5, partner 1"


def test_the_table_says_the_same_newest_first() -> None:
    chart = message_chart(counts(CHARGER_BINS, up={0: 1, 4: 2, 29: 10}), "the charger")
    assert chart is not None
    assert [row.counts for row in chart.rows] == [(10,), (0,), (0,), (0,), (0,), (3,)]
    assert chart.rows[-1].since == EPOCH
    assert chart.rows[0].until == chart.until


def test_a_fleet_is_drawn_by_the_half_hour() -> None:
    chart = message_chart(counts(FLEET_BINS, up={0: 1, 14: 1, 15: 4}), "chargers")
    assert chart is not None
    assert [(bar.count, bar.since) for bar in chart.lanes[0].bars] == [(2, EPOCH), (4, EPOCH + timedelta(minutes=30))]
    assert len(chart.rows) == 8
    assert sum(row.counts[0] for row in chart.rows) == chart.lanes[0].total == 6


def test_where_nothing_passed_nothing_is_drawn() -> None:
    assert message_chart(counts(CHARGER_BINS), "the charger") is None
