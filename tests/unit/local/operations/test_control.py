"""Control operations, in the words of each version."""

from typing import Any

import pytest

from reconciler.local.operations.control import ResetResult, TriggerResult, firmware_of
from reconciler.local.operations.course import BadOrder, Heard, Left, TimedOut
from reconciler.model.operations import State
from tests.support.courses import SECOND_VERSIONS, VERSIONS, Play

BOOTS = {
    "ocpp1.6": {"chargePointVendor": "v", "chargePointModel": "m", "firmwareVersion": "2.0"},
    "ocpp2.0.1": {
        "reason": "RemoteReset",
        "chargingStation": {"model": "m", "vendorName": "v", "firmwareVersion": "2.0"},
    },
}
BOOTS["ocpp2.1"] = BOOTS["ocpp2.0.1"]
ACCEPTED = {"status": "Accepted"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reset_is_done_once_the_station_is_back_and_has_booted(version: str) -> None:
    play = Play(version, "reset", {"type": "hard"}).answer(ACCEPTED)
    assert play.last == {"type": "Hard" if version == "ocpp1.6" else "Immediate"}
    play.happens(Left(), Heard("BootNotification", BOOTS[version]))
    assert play.end.state is State.SUCCEEDED
    assert play.end.result == ResetResult(status="Accepted", restarted=True, firmware="2.0")
    assert play.told == [
        "accepted: it restarts",
        "the charging station left",
        "the charging station is back, firmware 2.0",
    ]


def test_a_reset_that_does_not_come_back_says_so() -> None:
    play = Play("ocpp1.6", "reset", {"within_s": 60}).answer(ACCEPTED).happens(Left()).happens(TimedOut(), after_s=60)
    assert (play.end.state, play.end.reason) == (State.FAILED, "the charging station has not come back within 60 s")
    play = Play("ocpp1.6", "reset", {"within_s": 60}).answer(ACCEPTED).happens(TimedOut(), after_s=60)
    assert play.end.reason == "the charging station did not restart within 60 s"


@pytest.mark.parametrize("version", SECOND_VERSIONS)
def test_a_scheduled_reset_is_left_to_the_station(version: str) -> None:
    play = Play(version, "reset", {"type": "on-idle"}).answer({"status": "Scheduled"}).happens(TimedOut(), after_s=600)
    assert play.last == {"type": "OnIdle"}
    assert play.end.result == ResetResult(status="Scheduled")


def test_one_evse_is_reset_without_a_new_connection_and_only_in_2() -> None:
    assert Play("ocpp2.0.1", "reset", {"evse": 2}).answer(ACCEPTED).end.state is State.SUCCEEDED
    for given in ({"evse": 1}, {"type": "on-idle"}):
        with pytest.raises(BadOrder, match=r"1\.6"):
            Play("ocpp1.6", "reset", given)


@pytest.mark.parametrize("version", VERSIONS)
def test_unlock(version: str) -> None:
    play = Play(version, "unlock", {"connector": 2}).answer({"status": "Unlocked"})
    assert play.last == {"connectorId": 2} if version == "ocpp1.6" else {"evseId": 2, "connectorId": 1}
    assert play.end.state is State.SUCCEEDED
    assert Play(version, "unlock").answer({"status": "UnlockFailed"}).end.state is State.DECLINED


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("connector", [0, 2])
def test_availability(version: str, connector: int) -> None:
    play = Play(version, "availability", {"state": "inoperative", "connector": connector})
    assert play.answer({"status": "Scheduled"}).end.state is State.SUCCEEDED
    assert play.told == ["scheduled: once the running transaction has ended"]
    if version == "ocpp1.6":
        assert play.last == {"connectorId": connector, "type": "Inoperative"}
    else:
        assert play.last == {"operationalStatus": "Inoperative"} | ({"evse": {"id": 2}} if connector else {})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_triggered_message_is_waited_for(version: str) -> None:
    play = Play(version, "trigger", {"message": "StatusNotification", "connector": 1}).answer(ACCEPTED)
    play.happens(Heard("Heartbeat", {}), Heard("StatusNotification", {"connectorId": 1}))
    assert play.end.result == TriggerResult(status="Accepted", received=True, payload={"connectorId": 1})


def test_a_triggered_message_that_is_not_heard_here_fails_nothing_and_one_cut_off_does() -> None:
    play = Play("ocpp1.6", "trigger", {"message": "Heartbeat"}).answer(ACCEPTED).happens(TimedOut(), after_s=10)
    assert play.end.result == TriggerResult(status="Accepted")
    play = Play("ocpp1.6", "trigger", {"message": "Heartbeat"}).answer(ACCEPTED).happens(Left())
    assert play.end.state is State.FAILED


@pytest.mark.parametrize(
    ("version", "message"),
    [("ocpp1.6", "TransactionEvent"), ("ocpp1.6", "SignV2GCertificate"), ("ocpp2.1", "DiagnosticsStatusNotification")],
)
def test_a_version_triggers_only_what_it_has(version: str, message: str) -> None:
    with pytest.raises(BadOrder):
        Play(version, "trigger", {"message": message})


def test_the_security_extensions_have_their_own_trigger() -> None:
    assert Play("ocpp1.6", "trigger", {"message": "LogStatusNotification"}).asked[0][0] == "ExtendedTriggerMessage"
    assert Play("ocpp1.6", "trigger", {"message": "Heartbeat"}).asked[0][0] == "TriggerMessage"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("given", [{"id_tag": "TAG"}, {"id_tag": "TAG", "connector": 1}])
def test_remote_start(version: str, given: dict[str, Any]) -> None:
    play = Play(version, "remote-start", given).answer(ACCEPTED)
    assert play.end.state is State.SUCCEEDED
    if version == "ocpp1.6":
        with pytest.raises(BadOrder, match="20 characters"):
            Play(version, "remote-start", {"id_tag": "x" * 21})


@pytest.mark.parametrize("version", VERSIONS)
def test_remote_stop_names_the_transaction_as_local_knows_it(version: str) -> None:
    play = Play(version, "remote-stop", facts={"transaction": "17"}).answer(ACCEPTED)
    assert play.last == {"transactionId": 17 if version == "ocpp1.6" else "17"}
    with pytest.raises(BadOrder, match="which transaction"):
        Play(version, "remote-stop")


def test_a_transaction_of_16_is_a_number() -> None:
    with pytest.raises(BadOrder, match="whole numbers"):
        Play("ocpp1.6", "remote-stop", facts={"transaction": "abc"})


@pytest.mark.parametrize("version", VERSIONS)
def test_clear_cache(version: str) -> None:
    assert Play(version, "clear-cache").answer(ACCEPTED).end.state is State.SUCCEEDED
    assert Play(version, "clear-cache").answer({"status": "Rejected"}).end.state is State.FAILED


def test_firmware_is_found_in_boots_of_every_version() -> None:
    assert firmware_of(BOOTS["ocpp1.6"]) == firmware_of(BOOTS["ocpp2.1"]) == "2.0"
    assert firmware_of({"chargingStation": 5}) == ""
