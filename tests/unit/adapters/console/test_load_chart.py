"""The chart of a load policy: lines against the limit, in words too."""

from datetime import UTC, datetime, timedelta

from reconciler.adapters.console.load_chart import HEIGHT, POINTS_MAX, WIDTH, load_chart
from reconciler.app.load_control import LoadSample

START = datetime(2026, 12, 1, 10, tzinfo=UTC)


def sample(number: int, measured_kw: float, counted_kw: float = 90) -> LoadSample:
    return LoadSample(START + timedelta(seconds=15 * number), 100_000, counted_kw * 1000, measured_kw * 1000)


def test_lines_run_from_side_to_side_and_the_limit_lies_above_what_keeps_to_it() -> None:
    chart = load_chart([sample(0, 0), sample(1, 50), sample(2, 80)])
    assert chart is not None
    places = [tuple(map(float, point.split(","))) for point in chart.measured.split()]
    assert (places[0][0], places[-1][0]) == (0.0, float(WIDTH))
    assert places[0][1] == HEIGHT
    assert all(chart.limit_y < y for _, y in places)
    assert "at most 80.0 kW were drawn, now 80.0 kW, with a limit of 100 kW" in chart.told


def test_a_long_time_has_no_more_points_than_a_screen_can_show() -> None:
    chart = load_chart([sample(number, number % 70) for number in range(1440)])
    assert chart is not None
    assert len(chart.measured.split()) <= POINTS_MAX + 2


def test_what_exceeds_the_limit_is_in_the_picture_too() -> None:
    chart = load_chart([sample(0, 10, 150), sample(1, 130, 150)])
    assert chart is not None
    assert all(0 <= float(point.split(",")[1]) <= HEIGHT for point in chart.counted.split())
    assert chart.limit_y > 0


def test_one_moment_is_no_line() -> None:
    assert load_chart([]) is None
    assert load_chart([sample(0, 1)]) is None
