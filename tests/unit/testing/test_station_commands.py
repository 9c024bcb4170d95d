"""Commands that all versions share, in the words of each."""

from collections.abc import AsyncIterator

import pytest

from reconciler.testing import CallFailed, SimulatedCsms, SimulatedStation

VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


@pytest.fixture(params=VERSIONS)
async def station(csms: SimulatedCsms, request: pytest.FixtureRequest) -> AsyncIterator[SimulatedStation]:
    """A booted station with two connectors, in each version."""
    async with SimulatedStation("A", csms.url, request.param, connectors=2) as running:
        await running.boot()
        yield running
    assert running.mishaps == []
    assert csms.violations == running.violations == []


def is_16(station: SimulatedStation) -> bool:
    return station.dialect.version == "1.6"


def remote_start(station: SimulatedStation) -> tuple[str, dict[str, object]]:
    if is_16(station):
        return "RemoteStartTransaction", {"idTag": "R", "connectorId": 2}
    token = {"idToken": "R", "type": "Central"}
    return "RequestStartTransaction", {"idToken": token, "evseId": 2, "remoteStartId": 9}


async def test_a_remote_start_starts_and_a_remote_stop_stops(csms: SimulatedCsms, station: SimulatedStation) -> None:
    assert await csms.call("A", *remote_start(station)) == {"status": "Accepted"}
    await station.settle()
    [billed] = csms.transactions.values()
    assert (billed.connector, billed.tag, billed.stopped) == (2, "R", False)
    assert await csms.call("A", *remote_start(station)) == {"status": "Rejected"}

    stop = "RemoteStopTransaction" if is_16(station) else "RequestStopTransaction"
    unknown = {"transactionId": 1 if is_16(station) else "1"}
    assert await csms.call("A", stop, unknown) == {"status": "Rejected"}
    assert await csms.call("A", stop, {"transactionId": billed.id}) == {"status": "Accepted"}
    await station.settle()
    assert (billed.stopped, billed.stop_reason) == (True, "Remote")


async def test_a_remote_start_is_named_in_2_x(csms: SimulatedCsms, station: SimulatedStation) -> None:
    await csms.call("A", *remote_start(station))
    await station.settle()
    if not is_16(station):
        started = csms.journal.matching("TransactionEvent")[0].payload
        assert started["transactionInfo"]["remoteStartId"] == 9
        assert started["idToken"] == {"idToken": "R", "type": "Central"}
        assert started["triggerReason"] == "RemoteStart"


async def test_a_disobedient_station_promises_and_does_nothing(csms: SimulatedCsms, station: SimulatedStation) -> None:
    station.obedient = False
    assert await csms.call("A", *remote_start(station)) == {"status": "Accepted"}
    await station.settle()
    assert csms.transactions == {}


async def test_a_promise_that_fails_is_a_mishap(csms: SimulatedCsms) -> None:
    csms.manners.answers["Heartbeat"] = CallFailed("GenericError")
    async with SimulatedStation("A", csms.url) as station:
        await csms.wait_connected("A")
        await csms.call("A", "TriggerMessage", {"requestedMessage": "Heartbeat"})
        await station.settle()
    assert [str(mishap) for mishap in station.mishaps] == ["GenericError"]


@pytest.mark.parametrize(
    ("message", "follows"),
    [
        ("Heartbeat", ["Heartbeat"]),
        ("MeterValues", ["MeterValues"]),
        ("StatusNotification", ["StatusNotification"]),
        ("FirmwareStatusNotification", ["FirmwareStatusNotification"]),
    ],
)
async def test_a_triggered_message_follows_the_answer(
    csms: SimulatedCsms, station: SimulatedStation, message: str, follows: list[str]
) -> None:
    where = {"connectorId": 1} if is_16(station) else {"evse": {"id": 1, "connectorId": 1}}
    asked = {"requestedMessage": message} | where
    assert await csms.call("A", "TriggerMessage", asked) == {"status": "Accepted"}
    await station.settle()
    assert [call.action for call in csms.calls] == ["BootNotification", *follows]


async def test_an_accepted_station_does_not_boot_when_triggered(csms: SimulatedCsms, station: SimulatedStation) -> None:
    boot = {"requestedMessage": "BootNotification"}
    assert await csms.call("A", "TriggerMessage", boot) == {"status": "Rejected"}
    station.memory.boot_status = "Pending"
    assert await csms.call("A", "TriggerMessage", boot) == {"status": "Accepted"}
    await station.settle()
    assert len(csms.journal.matching("BootNotification")) == 2


async def test_availability_changes_at_once_or_after_the_transaction(
    csms: SimulatedCsms, station: SimulatedStation
) -> None:
    asked = {"connectorId": 1, "type": "Inoperative"} if is_16(station) else {"operationalStatus": "Inoperative"}
    assert await csms.call("A", "ChangeAvailability", asked) == {"status": "Accepted"}
    await station.settle()
    assert csms.calls[-1].action == "StatusNotification"
    assert not station.memory.connectors[1].operative
    await station.start_transaction(2, "T")
    whole = {"connectorId": 0, "type": "Operative"} if is_16(station) else {"operationalStatus": "Operative"}
    assert await csms.call("A", "ChangeAvailability", whole) == {"status": "Scheduled"}
    assert station.memory.connectors[1].operative


async def test_reservations_are_kept_and_cancelled(csms: SimulatedCsms, station: SimulatedStation) -> None:
    until = "2030-01-01T00:00:00Z"
    if is_16(station):
        asked = {"connectorId": 1, "expiryDate": until, "idTag": "T", "reservationId": 5}
    else:
        asked = {"id": 5, "expiryDateTime": until, "idToken": {"idToken": "T", "type": "Central"}, "evseId": 1}
    assert await csms.call("A", "ReserveNow", asked) == {"status": "Accepted"}
    assert station.memory.reservations == {5: 1}
    assert await csms.call("A", "CancelReservation", {"reservationId": 5}) == {"status": "Accepted"}
    assert await csms.call("A", "CancelReservation", {"reservationId": 5}) == {"status": "Rejected"}
    await station.start_transaction(1, "T")
    assert await csms.call("A", "ReserveNow", asked) == {"status": "Occupied"}


async def test_the_local_list_follows_its_versions(csms: SimulatedCsms, station: SimulatedStation) -> None:
    if is_16(station):
        entries = [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in ("A", "B")]
        gone = [{"idTag": "A"}]
        version, found = "listVersion", "listVersion"
    else:
        token = [{"idToken": {"idToken": tag, "type": "Central"}} for tag in ("A", "B")]
        entries = [entry | {"idTokenInfo": {"status": "Accepted"}} for entry in token]
        gone = token[:1]
        version, found = "versionNumber", "versionNumber"
    assert await csms.call("A", "GetLocalListVersion", {}) == {found: 0}
    full = {version: 4, "updateType": "Full", "localAuthorizationList": entries}
    assert await csms.call("A", "SendLocalList", full) == {"status": "Accepted"}
    old = {version: 4, "updateType": "Differential", "localAuthorizationList": gone}
    assert await csms.call("A", "SendLocalList", old) == {"status": "VersionMismatch"}
    assert await csms.call("A", "SendLocalList", old | {version: 5}) == {"status": "Accepted"}
    assert await csms.call("A", "GetLocalListVersion", {}) == {found: 5}
    assert set(station.memory.local_list) == {"B"}


async def test_profiles_are_kept_and_cleared(csms: SimulatedCsms, station: SimulatedStation) -> None:
    periods = [{"startPeriod": 0, "limit": 16.5}]
    if is_16(station):
        profile = {
            "chargingProfileId": 3,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": periods},
        }
        asked = {"connectorId": 1, "csChargingProfiles": profile}
        foreign = profile | {"chargingProfilePurpose": "TxProfile", "transactionId": 99}
        for_foreign, clear = asked | {"csChargingProfiles": foreign}, {"id": 3}
    else:
        schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
        profile = {
            "id": 3,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [schedule],
        }
        asked = {"evseId": 1, "chargingProfile": profile}
        foreign = profile | {"chargingProfilePurpose": "TxProfile", "transactionId": "99"}
        for_foreign, clear = asked | {"chargingProfile": foreign}, {"chargingProfileId": 3}
    assert await csms.call("A", "SetChargingProfile", asked) == {"status": "Accepted"}
    assert await csms.call("A", "SetChargingProfile", for_foreign) == {"status": "Rejected"}
    assert set(station.memory.profiles) == {3}
    assert await csms.call("A", "ClearChargingProfile", clear) == {"status": "Accepted"}
    assert await csms.call("A", "ClearChargingProfile", clear) == {"status": "Unknown"}
    await csms.call("A", "SetChargingProfile", asked)
    assert await csms.call("A", "ClearChargingProfile", {}) == {"status": "Accepted"}


async def test_connectors_are_unlocked_where_they_exist(csms: SimulatedCsms, station: SimulatedStation) -> None:
    async def unlock(number: int) -> str:
        asked = {"connectorId": number} if is_16(station) else {"evseId": number, "connectorId": 1}
        return str((await csms.call("A", "UnlockConnector", asked))["status"])

    assert await unlock(1) == "Unlocked"
    assert await unlock(9) == ("NotSupported" if is_16(station) else "UnknownConnector")
    await station.start_transaction(1, "T")
    assert await unlock(1) == ("Unlocked" if is_16(station) else "OngoingAuthorizedTransaction")


async def test_logs_and_firmware_are_reported_after_the_answer(csms: SimulatedCsms, station: SimulatedStation) -> None:
    log = {"logType": "DiagnosticsLog", "requestId": 6, "log": {"remoteLocation": "ftp://x"}}
    assert await csms.call("A", "GetLog", log) == {"status": "Accepted", "filename": "A.log"}
    await station.settle()
    assert csms.calls[-1].payload == {"status": "Uploaded", "requestId": 6}
    when = "2030-01-01T00:00:00Z"
    if is_16(station):
        assert await csms.call("A", "UpdateFirmware", {"location": "ftp://x", "retrieveDate": when}) == {}
    else:
        firmware = {"requestId": 7, "firmware": {"location": "ftp://x", "retrieveDateTime": when}}
        assert await csms.call("A", "UpdateFirmware", firmware) == {"status": "Accepted"}
    await station.settle()
    assert csms.calls[-1].action == "FirmwareStatusNotification"


async def test_a_reset_restarts_the_station(csms: SimulatedCsms, station: SimulatedStation) -> None:
    charging = await station.start_transaction(1, "T")
    kind = "Hard" if is_16(station) else "Immediate"
    assert await csms.call("A", "Reset", {"type": kind}) == {"status": "Accepted"}
    await station.settle()
    assert csms.transactions[charging.id].stop_reason == ("HardReset" if is_16(station) else "ImmediateReset")
    statuses = 3 if is_16(station) else 2
    assert [call.action for call in csms.calls][-1 - statuses :] == ["BootNotification"] + [
        "StatusNotification"
    ] * statuses
    assert station.unexpected_disconnects == []
    assert station.connected
