"""What the CSMS makes of what it hears."""

import pytest

from reconciler.testing import CallFailed, SimulatedCsms, SimulatedStation
from reconciler.testing.csms_answers import readings_wh


def test_only_energy_registers_are_read_and_kilowatt_hours_are_converted() -> None:
    samples = [
        {"value": "5"},
        {"value": "1.5", "unit": "kWh"},
        {"value": 2, "unit_of_measure": {"unit": "kWh"}},
        {"value": 7, "unit_of_measure": {}},
        {"value": "230", "measurand": "Voltage", "unit": "V"},
    ]
    assert readings_wh([{"sampled_value": samples}]) == [5, 1500, 2000, 7]


async def test_a_stop_without_a_number_is_acknowledged_and_is_no_violation(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        stop = {"transactionId": -1, "meterStop": 1, "timestamp": "2026-01-01T00:00:00Z"}
        assert await station.call("StopTransaction", stop) == {}
        values = {"connectorId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": []}]}
        values["meterValue"][0]["sampledValue"] = [{"value": "1"}]  # type: ignore[index]
        assert await station.call("MeterValues", values) == {}
    assert csms.violations == []
    assert csms.transactions == {}


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_only_an_accepted_boot_is_remembered(csms: SimulatedCsms, status: str) -> None:
    async with SimulatedStation("A", csms.url, "2.0.1") as station:
        csms.books.boot_status = status
        csms.books.heartbeat_interval_s = 60
        answer = await station.boot()
        assert (answer["status"], answer["interval"]) == (status, 60)
        assert csms.books.registered == {}
        csms.books.boot_status = "Accepted"
        await station.boot()
    assert csms.books.registered.keys() == {"A"}


@pytest.mark.parametrize(
    ("version", "action", "payload", "answer"),
    [
        ("1.6", "SignCertificate", {"csr": "x"}, {"status": "Accepted"}),
        ("1.6", "SecurityEventNotification", {"type": "t", "timestamp": "2026-01-01T00:00:00Z"}, {}),
        ("2.1", "NotifyPriorityCharging", {"transactionId": "t", "activated": True}, {}),
    ],
)
async def test_reports_are_acknowledged(
    csms: SimulatedCsms, version: str, action: str, payload: dict[str, object], answer: dict[str, object]
) -> None:
    async with SimulatedStation("A", csms.url, version) as station:
        assert await station.call(action, payload) == answer


async def test_an_action_of_another_version_is_not_acknowledged(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "1.6", validate=False) as station:
        with pytest.raises(CallFailed, match=r"NotSupported"):
            await station.call("NotifyReport", {})
