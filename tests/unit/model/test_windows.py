"""Windows: half-open, and right when the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.windows import Window, check_cron, check_zone, one_off, parse_start, recurring

HOUR_S = 3600


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def openings(window: Window, after: str, count: int) -> list[datetime]:
    found, moment = [], utc(after)
    for _ in range(count):
        opening = window.next_opening(moment)
        assert opening is not None
        found.append(opening)
        moment = opening
    return found


def shown(found: list[datetime]) -> list[str]:
    return [f"{opening:%m-%d %H:%M}" for opening in found]


def test_a_one_off_window_is_half_open() -> None:
    window = one_off("2026-12-01T02:00", "Europe/Rome", 2 * HOUR_S)
    assert window.start == utc("2026-12-01T01:00")
    assert [window.holds_at(utc(at)) for at in ("2026-12-01T00:59:59", "2026-12-01T01:00")] == [False, True]
    assert [window.holds_at(utc(at)) for at in ("2026-12-01T02:59:59", "2026-12-01T03:00")] == [True, False]


def test_a_one_off_window_opens_once() -> None:
    window = one_off("2026-12-01T02:00", "Europe/Rome", HOUR_S)
    assert window.next_opening(utc("2026-01-01T00:00")) == utc("2026-12-01T01:00")
    assert window.next_opening(utc("2026-12-01T01:00")) is None


@pytest.mark.parametrize("start", ["2026-12-01T02:00+01:00", "2026-12-01T01:00Z", "2026-12-01T01:00:00Z"])
def test_a_start_with_an_offset_needs_no_zone(start: str) -> None:
    assert one_off(start, None, HOUR_S).start == utc("2026-12-01T01:00")


def test_a_start_without_offset_needs_a_zone() -> None:
    with pytest.raises(InvalidValue, match="in which time zone") as refused:
        one_off("2026-12-01T02:00", None, HOUR_S)
    assert "timeZone" in refused.value.hint


def test_a_start_in_the_skipped_hour_never_opens() -> None:
    with pytest.raises(InvalidValue, match="never opens: 2027-03-28T02:30 does not exist in Europe/Rome"):
        one_off("2027-03-28T02:30", "Europe/Rome", HOUR_S)


def test_a_start_in_the_hour_that_comes_twice_is_its_first_coming() -> None:
    assert one_off("2026-10-25T02:30", "Europe/Rome", HOUR_S).start == utc("2026-10-25T00:30")


def test_a_recurring_window_follows_the_wall_clock_over_clock_changes() -> None:
    nights = recurring("0 3 * * *", "Europe/Rome", HOUR_S)
    assert shown(openings(nights, "2026-03-28T00:00", 3)) == ["03-28 02:00", "03-29 01:00", "03-30 01:00"]
    assert shown(openings(nights, "2026-10-24T00:00", 3)) == ["10-24 01:00", "10-25 02:00", "10-26 02:00"]


def test_an_opening_in_the_skipped_hour_comes_right_after_it() -> None:
    nights = recurring("30 2 * * *", "Europe/Rome", HOUR_S)
    assert shown(openings(nights, "2026-03-28T12:00", 2)) == ["03-29 01:00", "03-30 00:30"]
    assert nights.holds_at(utc("2026-03-29T01:59"))


def test_an_opening_in_the_hour_that_comes_twice_happens_once_and_lasts_its_full_time() -> None:
    nights = recurring("45 2 * * *", "Europe/Rome", 2 * HOUR_S)
    assert shown(openings(nights, "2026-10-24T12:00", 2)) == ["10-25 00:45", "10-26 01:45"]
    # 02:40 the second time: the clock says the window is yet to open, and it has been open for 55 minutes
    assert nights.holds_at(utc("2026-10-25T01:40"))
    assert nights.next_opening(utc("2026-10-25T01:40")) == utc("2026-10-26T01:45")
    assert not nights.holds_at(utc("2026-10-25T02:45"))


def test_openings_only_ever_move_forward() -> None:
    window = recurring("*/20 1-3 * * *", "Europe/Rome", 600)
    found = openings(window, "2026-10-24T00:00", 60)
    assert all(earlier < later for earlier, later in pairwise(found))


def test_a_recurring_window_may_outlast_its_interval() -> None:
    always = recurring("0 * * * *", "UTC", 2 * HOUR_S)
    assert all(always.holds_at(utc("2026-01-01T00:00") + timedelta(minutes=7 * step)) for step in range(40))


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 2 * * sun", "2026-01-04T02:00"),
        ("0 2 * * 7", "2026-01-04T02:00"),
        ("15,45 8-17/3 * jan-mar mon-fri", "2026-01-01T08:15"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 2 * * 0#1", "2026-01-04T02:00"),
    ],
)
def test_cron_has_names_lists_ranges_steps_and_the_nth_weekday(cron: str, first: str) -> None:
    assert recurring(cron, "UTC", HOUR_S).next_opening(utc("2026-01-01T00:00")) == utc(first)


@pytest.mark.parametrize("cron", ["0 0 31 6 *", "0 0 30 2 *", "0 0 31 feb,apr,jun *"])
def test_a_date_that_no_month_has_never_opens(cron: str) -> None:
    with pytest.raises(InvalidValue, match="never opens") as refused:
        recurring(cron, "UTC", HOUR_S)
    assert "day of month" in refused.value.hint


@pytest.mark.parametrize(
    ("cron", "names"),
    [
        ("61 2 * * *", "minute"),
        ("0 25 * * *", "hour"),
        ("0 2 0 * *", "day-of-month"),
        ("0 2 * * funday", "day-of-week"),
    ],
)
def test_a_wrong_field_is_named(cron: str, names: str) -> None:
    with pytest.raises(InvalidValue, match=f"its {names} is wrong"):
        check_cron(cron)


@pytest.mark.parametrize("cron", ["", "* * * *", "* * * * * *", "@daily", "a b c d e", "* * * * 1L/2", "9" * 500])
def test_what_is_not_five_fields_is_refused(cron: str) -> None:
    with pytest.raises(InvalidValue, match="cron expression") as refused:
        check_cron(cron)
    assert "0 2 * * sun" in refused.value.hint


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-12-01", "2026-12-01 02:00", "2026-13-01T02:00", "1926-12-01T02:00", "20261201T0200"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not a time") as refused:
        parse_start(text)
    assert "2026-12-01T02:00" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Rom", "did you mean Europe/Rome?"),
        ("Mars", "IANA name"),
        ("../../etc/passwd", "IANA name"),
        ("", "IANA"),
    ],
)
def test_what_is_no_zone_is_refused(name: str, hint: str) -> None:
    with pytest.raises(InvalidValue, match="is not a time zone") as refused:
        check_zone(name)
    assert hint in refused.value.hint
