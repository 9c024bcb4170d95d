"""Change windows: whether chargers may be disrupted now, and when."""

from datetime import UTC, datetime

import pytest

from reconciler.model.documents import Document
from reconciler.model.plan import Block
from reconciler.planning.change_windows import ChangeWindows
from tests.support.specs import a_site, document, resolved, resources

CHARGERS = tuple(resolved(a_site(2)).chargers.values())
EVENING = datetime(2026, 12, 1, 18, tzinfo=UTC)


def window(name: str, action: str, start: str, duration: str = "4h", **chargers: object) -> Document:
    return document(
        "ChangeWindow",
        name,
        action=action,
        chargers=chargers or {"labels": {"site": "a"}},
        window={"cron": f"0 {start} * * *", "duration": duration, "timeZone": "UTC"},
    )


def blocks(*windows: Document, now: datetime = EVENING) -> list[Block]:
    return [*ChangeWindows(resources(windows).values()).blocks(CHARGERS, now)]


def test_without_windows_chargers_may_change_at_any_time() -> None:
    assert blocks() == []


def test_a_window_that_selects_other_chargers_does_not_count() -> None:
    assert blocks(window("nights", "allow", "2", names=["other*"])) == []


def test_an_open_deny_window_forbids_until_it_closes() -> None:
    (block,) = blocks(window("peak", "deny", "17"))
    assert block.summary == "change-window.peak is open: 2 live chargers may not change now"
    assert block.eligible_at == EVENING.replace(hour=21)
    assert block.override == "--override-window --reason TEXT"


def test_a_closed_deny_window_forbids_nothing() -> None:
    assert blocks(window("peak", "deny", "8")) == []


def test_with_allow_windows_one_of_them_must_be_open() -> None:
    nights = window("nights", "allow", "2")
    (block,) = blocks(nights)
    assert block.summary == "change-window.nights is closed: 2 live chargers may not change now"
    assert block.eligible_at == EVENING.replace(day=2, hour=2)
    assert blocks(nights, window("evenings", "allow", "17")) == []


def test_deny_wins_over_allow() -> None:
    (block,) = blocks(window("evenings", "allow", "17"), window("peak", "deny", "16"))
    assert block.eligible_at == EVENING.replace(hour=20)


def test_windows_that_never_let_a_change_through_have_no_eligible_time() -> None:
    (block,) = blocks(window("always", "deny", "0", "24h"))
    assert block.eligible_at is None


@pytest.mark.parametrize(("hour", "count"), [(1, 1), (2, 0), (5, 0), (6, 1)])
def test_windows_are_half_open(hour: int, count: int) -> None:
    assert len(blocks(window("nights", "allow", "2"), now=EVENING.replace(hour=hour))) == count


def test_only_the_chargers_that_a_window_selects_are_counted() -> None:
    (block,) = blocks(window("peak", "deny", "17", names=["cp001"]))
    assert block.summary == "change-window.peak is open: 1 live charger may not change now"
