"""Logs: the file and the report, in whichever order; a report without a file is no log."""

from typing import Any

import pytest

from reconciler.local.operations.course import Heard, Left, Received, TimedOut
from reconciler.local.operations.logs import DiagnosticsResult
from reconciler.model.operations import State
from tests.support.courses import VERSIONS, Play

FILE = Received("id1", "cp.log", 10)
TIMES = {"since": "2026-12-01T00:00:00Z", "until": "2026-12-01T02:00:00Z", "retries": 1}


def begun(version: str, **given: Any) -> Play:
    """Return a log that the station is to upload."""
    play = Play(version, "diagnostics", given, url="http://h/u/t")
    return play.answer({"fileName": "cp.log"} if play.asked[0][0] == "GetDiagnostics" else {"status": "Accepted"})


def report(play: Play, *statuses: str, request_id: int = 7) -> Play:
    """Report the job's statuses."""
    if play.asked[0][0] == "GetDiagnostics":
        return play.happens(*(Heard("DiagnosticsStatusNotification", {"status": status}) for status in statuses))
    said = [{"status": status, "requestId": request_id} for status in statuses]
    return play.happens(*(Heard("LogStatusNotification", one) for one in said))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("log", ["diagnostics", "security"])
def test_the_file_and_the_report_make_it_done(version: str, log: str) -> None:
    for first_file in (True, False):
        play = report(begun(version, log=log, **TIMES), "Idle", "Uploading")
        if first_file:
            play.happens(FILE)
            report(play, "Uploaded")
        else:
            report(play, "Uploaded").happens(FILE)
        assert play.end.result == DiagnosticsResult(status="Uploaded", upload="id1", name="cp.log", size=10)
        assert "http://h/u/t" in str(play.last)


def test_a_file_without_a_report_is_a_log_and_a_report_without_a_file_is_none() -> None:
    play = begun("ocpp2.1").happens(FILE).happens(TimedOut(), after_s=20)
    assert play.end.state is State.SUCCEEDED
    play = report(begun("ocpp2.1"), "Uploaded").happens(TimedOut(), after_s=20)
    assert play.end.reason == "the charging station uploaded nothing, though it reported Uploaded"
    assert begun("ocpp1.6").happens(Left()).happens(TimedOut(), after_s=900).end.state is State.FAILED


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failure_ends_it(version: str) -> None:
    assert report(begun(version, log="security"), "PermissionDenied").end.state is State.FAILED
    assert report(begun(version), "UploadFailed").end.state is State.FAILED


def test_nothing_of_that_time_and_reports_of_other_jobs() -> None:
    assert Play("ocpp1.6", "diagnostics", url="http://h/u/t").answer({}).end.reason == (
        "the charging station has no diagnostics of that time"
    )
    assert report(begun("ocpp2.1"), "UploadFailure", request_id=8).finished is None
