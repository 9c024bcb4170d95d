"""ScheduledOutage and ChangeWindow by themselves: windows that open, roles that are named."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.kinds.schedule import WindowSpec
from tests.support.sites import said, spec_findings

ZONE = "Europe/Rome"


def findings(window: object, **spec: object) -> list[tuple[str, str]]:
    whole = {"chargers": {"names": ["*"]}, "window": window, "roles": {"local": "primary"}, **spec}
    return said(spec_findings("ScheduledOutage", whole))


def test_a_window_knows_when_it_opens() -> None:
    spec = WindowSpec.model_validate({"start": "2026-12-01T02:00", "duration": "2h", "timeZone": ZONE})
    assert spec.window.next_opening(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 12, 1, 1, tzinfo=UTC)
    assert spec.window.duration_s == 7200


@pytest.mark.parametrize(
    ("window", "summary"),
    [
        ({"duration": "2h", "timeZone": ZONE}, "spec.window: needs start or cron"),
        ({"cron": "0 2 31 6 *", "duration": "2h", "timeZone": ZONE}, "spec.window.cron: the window never opens"),
        ({"cron": "0 2 * * *", "duration": "0s", "timeZone": ZONE}, "spec.window.duration: '0s' must be longer"),
        (
            {"cron": "0 2 * *", "duration": "1h", "timeZone": ZONE},
            "spec.window.cron: '0 2 * *' is not a cron expression",
        ),
        (
            {"cron": "0 2 * * *", "duration": "1h"},
            "spec.window: the window opens at '0 2 * * *', but in which time zone?",
        ),
        (
            {"cron": "0 2 * * *", "duration": "1h", "timeZone": "Rome"},
            "spec.window.timeZone: 'Rome' is not a time zone",
        ),
        ({"start": "2027-03-28T02:30", "duration": "1h", "timeZone": ZONE}, "spec.window: the window never opens"),
        ({"start": 20261201, "duration": "1h", "timeZone": ZONE}, "spec.window.start: must be text, not the number"),
        ({"start": "2026-12-01T02:00", "timeZone": ZONE}, "spec.window: needs duration"),
    ],
)
def test_a_window_that_cannot_open_is_refused(window: dict[str, Any], summary: str) -> None:
    [(said_summary, hint)] = findings(window)
    assert said_summary.startswith(summary)
    assert hint


def test_an_outage_changes_some_role() -> None:
    window = {"cron": "0 2 * * *", "duration": "1h", "timeZone": ZONE}
    assert findings(window, roles={}) == [("spec.roles: must not be empty", "give it at least one item")]


def test_a_notice_goes_to_others_than_local_and_nothing_twice() -> None:
    window = {"cron": "0 2 * * *", "duration": "1h", "timeZone": ZONE}
    assert findings(window, notice={"before": ["1h", "60m"], "to": ["partner"]}) == [
        ("spec.notice.before: the same is listed twice", "remove one of the two")
    ]
    assert findings(window, notice={"before": ["1h"], "to": ["local"]}) == [
        ("spec: local needs no notice", "notice.to names back-ends with contacts")
    ]


def test_a_change_window_allows_or_denies() -> None:
    spec = {
        "action": "block",
        "chargers": {"names": ["*"]},
        "window": {"cron": "0 2 * * *", "duration": "1h", "timeZone": ZONE},
    }
    assert said(spec_findings("ChangeWindow", spec)) == [
        ('spec.action: must be allow or deny, not the text "block"', "use allow or deny")
    ]
