"""Commands that only OCPP 2.x has."""

import pytest

from reconciler.testing import SimulatedCsms, SimulatedStation


def asked(component: str, variable: str) -> dict[str, dict[str, str]]:
    return {"component": {"name": component}, "variable": {"name": variable}}


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_variables_are_read_and_set(csms: SimulatedCsms, version: str) -> None:
    heartbeat = asked("OCPPCommCtrlr", "HeartbeatInterval")
    secret, readonly = asked("SecurityCtrlr", "BasicAuthPassword"), asked("SecurityCtrlr", "SecurityProfile")
    unknown = [asked("OCPPCommCtrlr", "Nonsense"), asked("Nonsense", "X")]
    async with SimulatedStation("A", csms.url, version):
        await csms.wait_connected("A")
        values = [item | {"attributeValue": "60"} for item in (heartbeat, readonly, *unknown)]
        answer = await csms.call("A", "SetVariables", {"setVariableData": values})
        statuses = [result["attributeStatus"] for result in answer["setVariableResult"]]
        assert statuses == ["Accepted", "Rejected", "UnknownVariable", "UnknownComponent"]
        answer = await csms.call("A", "GetVariables", {"getVariableData": [heartbeat, secret, *unknown]})
        assert answer["getVariableResult"] == [
            {"attributeStatus": "Accepted", "attributeValue": "60"} | heartbeat,
            {"attributeStatus": "Rejected"} | secret,
            {"attributeStatus": "UnknownVariable"} | unknown[0],
            {"attributeStatus": "UnknownComponent"} | unknown[1],
        ]
    assert csms.violations == []


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_base_report_follows_its_answer(csms: SimulatedCsms, version: str) -> None:
    async with SimulatedStation("A", csms.url, version) as station:
        await csms.wait_connected("A")
        report = {"requestId": 8, "reportBase": "ConfigurationInventory"}
        assert await csms.call("A", "GetBaseReport", report) == {"status": "Accepted"}
        await station.settle()
        assert station.mishaps == []
    [notified] = csms.calls
    assert (notified.action, notified.payload["requestId"]) == ("NotifyReport", 8)
    assert len(notified.payload["reportData"]) == len(station.memory.settings)


async def test_a_transactions_status_is_told(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "2.0.1") as station:
        charging = await station.start_transaction(1, "T")
        ask = {"transactionId": charging.id}
        running = {"messagesInQueue": False, "ongoingIndicator": True}
        assert await csms.call("A", "GetTransactionStatus", ask) == running
        assert await csms.call("A", "GetTransactionStatus", {}) == {"messagesInQueue": False}


async def test_profiles_can_be_cleared_by_purpose(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "2.1") as station:
        await csms.wait_connected("A")
        station.memory.profiles[1] = {"charging_profile_purpose": "TxDefaultProfile"}
        station.memory.profiles[2] = {"charging_profile_purpose": "TxProfile"}
        criteria = {"chargingProfilePurpose": "TxProfile"}
        await csms.call("A", "ClearChargingProfile", {"chargingProfileCriteria": criteria})
        assert set(station.memory.profiles) == {1}
