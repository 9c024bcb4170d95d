"""Holding back: declared changes of live chargers wait for their windows, everything set to an instant does not."""

from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger
from reconciler.planning.change_windows import ChangeWindows
from reconciler.planning.drift import Asked
from reconciler.planning.holding import held_back
from tests.support.specs import a_site, document, resolved, resources

NOW = datetime(2026, 12, 1, 18, tzinfo=UTC)
PARTNER = resolved(a_site(1)).chargers["cp000"]
GRID = resolved(a_site(1, {"grid": "primary"})).chargers["cp000"]
OUTAGE = replace(GRID, because="scheduled-outage.firmware at 2026-12-01T18:00:00Z")
CLOSED = ChangeWindows(
    resources(
        [
            document(
                "ChangeWindow",
                "nights",
                action="allow",
                chargers={"labels": {"site": "a"}},
                window={"cron": "0 2 * * *", "duration": "2h", "timeZone": "UTC"},
            )
        ]
    ).values()
)


def live(runs: DesiredCharger = PARTNER, *, connected: bool = True) -> LiveCharger:
    return LiveCharger("cp000", connected, 0.0, "ocpp1.6", 1, runs.owners, because=runs.because)


def ran(desired: DesiredCharger | None = PARTNER) -> Asked:
    return Asked(1, desired, confirmed=True)


def test_a_declared_change_of_a_live_charger_waits_and_says_until_when() -> None:
    told = held_back(CLOSED, ran(), GRID, live(), NOW)
    assert told == "waits for its change window: change-window.nights is closed, until 2026-12-02 02:00 UTC"
    assert held_back(CLOSED, ran(), GRID, live(), NOW.replace(hour=3)) == ""


def test_so_it_does_where_it_was_asked_for_before_and_refused() -> None:
    assert held_back(CLOSED, Asked(2, GRID), GRID, live(), NOW) != ""


def test_a_charger_that_is_let_go_waits_too() -> None:
    assert held_back(CLOSED, ran(), None, live(), NOW) != ""


def test_offline_chargers_and_sites_without_windows_wait_for_nothing() -> None:
    assert held_back(CLOSED, ran(), GRID, live(connected=False), NOW) == ""
    assert held_back(CLOSED, ran(), GRID, None, NOW) == ""
    assert held_back(ChangeWindows(), ran(), GRID, live(), NOW) == ""


def test_what_begins_or_ends_by_the_clock_does_not_wait() -> None:
    assert held_back(CLOSED, ran(), OUTAGE, live(), NOW) == ""
    assert held_back(CLOSED, ran(OUTAGE), PARTNER, live(OUTAGE), NOW) == ""
    another = replace(PARTNER, because="toggle 1")
    assert held_back(CLOSED, ran(OUTAGE), another, live(OUTAGE), NOW) == ""


def test_nor_does_a_return_that_was_refused_at_first() -> None:
    assert held_back(CLOSED, Asked(2, PARTNER), PARTNER, live(OUTAGE), NOW) == ""


def test_a_declared_change_under_an_outage_waits() -> None:
    changed = replace(OUTAGE, owners=PARTNER.owners)
    assert held_back(CLOSED, ran(OUTAGE), changed, live(OUTAGE), NOW) != ""


def test_drift_is_healed_at_once() -> None:
    assert held_back(CLOSED, ran(), PARTNER, live(GRID), NOW) == ""


def test_what_disrupts_nobody_does_not_wait() -> None:
    assert held_back(CLOSED, ran(), replace(PARTNER, labels={"site": "a", "row": "2"}), live(), NOW) == ""


def test_where_nothing_was_asked_yet_what_runs_decides() -> None:
    assert held_back(CLOSED, None, PARTNER, live(), NOW) == ""
    assert held_back(CLOSED, None, GRID, live(), NOW) != ""
