"""What is said of changes to legs: everywhere, and never a secret."""

from reconciler.app.leg_reports import LegReports, marks_text
from reconciler.as_charger.settings import LegSettings
from reconciler.model.history import HistoryEvent
from tests.support.clock import FakeClock
from tests.support.relay import Tally

SETTINGS = LegSettings(password=b"s3cret", profile=2, marks={"password": "1f2e3d4c", "profile": "2"})


def test_each_outcome_goes_to_history_metrics_and_log() -> None:
    events: list[HistoryEvent] = []
    tally = Tally()
    reports = LegReports(events.append, FakeClock(), tally, tally.log)
    reports.ordered("cp1", "partner", "ChangeConfiguration", SETTINGS)
    reports.confirmed("cp1", "partner", SETTINGS)
    reports.fell_back("cp1", "partner")
    reports.overtaken("cp1", "partner", ["password"])
    kinds = ["leg-changed", "leg-change-confirmed", "leg-change-failed", "leg-change-overtaken"]
    assert [(event.kind, event.charger, event.actor) for event in events] == [(k, "cp1", "partner") for k in kinds]
    assert [name for name, _ in tally.lines] == kinds
    assert list(tally.counts) == [("leg_changes", o) for o in ("changed", "confirmed", "failed", "overtaken")]
    assert "password 1f2e3d4c, profile 2" in events[0].summary
    assert "s3cret" not in str(events) + str(tally.lines)


def test_a_refusal_is_a_line_and_a_count() -> None:
    tally = Tally()
    LegReports(lambda event: None, FakeClock(), tally, tally.log).refused("cp1", "partner", "SetVariables", "why")
    assert tally.counts == {("leg_changes", "refused"): 1}
    assert tally.lines[0][1]["reason"] == "why"


def test_marks_for_people() -> None:
    assert marks_text(LegSettings()) == "nothing"
    assert marks_text(LegSettings(marks={"password": ""})) == "password"
