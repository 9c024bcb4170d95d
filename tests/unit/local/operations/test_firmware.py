"""Firmware, followed to its end: plain and signed, over a reboot, past other jobs' reports, and every way to fail."""

from typing import Any

import pytest

from reconciler.local.operations.course import BadOrder, Fetched, Heard, Left, TimedOut
from reconciler.local.operations.firmware import FirmwareResult
from reconciler.model.operations import State
from tests.support.courses import VERSIONS, Play

SIGNED = {"sha256": "ab", "signature": "c2ln", "certificate": "PEM"}


def begun(version: str, facts: dict[str, str] | None = None, **given: Any) -> Play:
    """Return an update that the station accepted."""
    play = Play(version, "firmware", {"file": "fw.bin", **given}, url="http://h/f/t/fw.bin", facts=facts or SIGNED)
    return play.answer({} if version == "ocpp1.6" and not given.get("signed") else {"status": "Accepted"})


def report(play: Play, *statuses: str, request_id: int = 7) -> Play:
    """Report the job's statuses."""
    signed = play.asked[0][0] == "SignedUpdateFirmware"
    action = "SignedFirmwareStatusNotification" if signed else "FirmwareStatusNotification"
    number = {} if play.asked[0][0] == "UpdateFirmware" and play.version == "ocpp1.6" else {"requestId": request_id}
    return play.happens(*(Heard(action, {"status": status} | number) for status in statuses))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("signed", [False, True])
def test_it_is_followed_to_installed_also_over_a_reboot(version: str, signed: bool) -> None:
    play = begun(version, signed=signed, retries=2, retry_interval_s=60)
    boot = {"firmwareVersion": "2"} if version == "ocpp1.6" else {"chargingStation": {"firmwareVersion": "2"}}
    report(play, "Downloading").happens(Fetched())
    report(play, "Downloaded", "Installing").happens(Left(), Heard("BootNotification", boot), Heard("Heartbeat", {}))
    report(play, "Idle", "Installed")
    assert play.end.result == FirmwareResult(status="Installed", file="fw.bin", sha256="ab", firmware="2")
    assert play.told[1:] == [
        "Downloading",
        "fw.bin was downloaded whole",
        "Downloaded",
        "Installing",
        "the charging station left",
        "the charging station booted, firmware 2",
        "Installed",
    ]
    request: Any = play.last
    assert ("http://h/f/t/fw.bin" in str(request), "c2ln" in str(request)) == (True, signed)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("status", ["DownloadFailed", "InstallationFailed"])
def test_a_failure_ends_it(version: str, status: str) -> None:
    end = report(begun(version), status).end
    assert (end.state, end.reason) == (State.FAILED, f"the charging station reported {status}")


def test_reports_of_another_job_are_not_this_ones() -> None:
    play = report(begun("ocpp2.1"), "Installed", request_id=8)
    assert play.finished is None
    assert report(play, "Installed").end.state is State.SUCCEEDED
    signed = begun("ocpp1.6", signed=True).happens(Heard("FirmwareStatusNotification", {"status": "Installed"}))
    assert signed.finished is None


def test_silence_ends_it_and_a_boot_meanwhile_is_told() -> None:
    play = begun("ocpp1.6", within_s=60).happens(Heard("BootNotification", {"firmwareVersion": "2"}))
    end = play.happens(TimedOut(), after_s=60).end
    assert end.reason == "no further report of the charging station within 60 s; it booted with firmware 2 meanwhile"


def test_what_has_no_signature_is_not_sent_as_signed() -> None:
    with pytest.raises(BadOrder, match="without a signature"):
        begun("ocpp2.1", facts={"sha256": "ab"}, signed=True)
