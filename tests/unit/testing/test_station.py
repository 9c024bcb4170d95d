"""A station's whole day with a CSMS, in each version, and what it says on request."""

import json
from typing import Any

import pytest

from reconciler.testing import CallFailed, CallInvalid, SimulatedCsms, SimulatedStation
from reconciler.testing.dialect import DIALECTS

VERSIONS = tuple(DIALECTS)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_whole_day(csms: SimulatedCsms, version: str) -> None:
    async with SimulatedStation("RDAM|1 2", csms.url, version, connectors=2, serial="S-1") as station:
        boot = await station.boot()
        assert boot["status"] == "Accepted"
        assert station.memory.heartbeat_interval_s == 300
        await station.announce()
        assert await station.authorize("TAG-1") == "Accepted"
        charging = await station.start_transaction(2, "TAG-1")
        await station.status(2, "Charging")
        await station.meter(charging, 1500)
        assert (await station.heartbeat()).endswith("Z")
        reset = await csms.call("RDAM|1 2", "Reset", {"type": "Soft" if version == "ocpp1.6" else "OnIdle"})
        assert reset == {"status": "Accepted"}
        await station.settle()
        assert station.mishaps == []
        assert station.unexpected_disconnects == []
        assert len(station.disconnects) == 1
    assert csms.violations == station.violations == []

    [billed] = csms.transactions.values()
    assert (billed.identity, billed.connector, billed.tag) == ("RDAM|1 2", 2, "TAG-1")
    assert (billed.meter_start_wh, billed.meter_wh, billed.meter_stop_wh) == (0, [1500], 1500)
    assert billed.stopped
    assert billed.id == (700 if version == "ocpp1.6" else charging.id)
    assert [c.subprotocol for c in csms.connections] == [version, version]
    assert csms.connections[0].path == "/ocpp/RDAM%7C1%202"
    assert [call.action for call in csms.calls].count("BootNotification") == 2
    assert csms.books.registered.keys() == {"RDAM|1 2"}
    assert "S-1" in json.dumps(csms.books.registered["RDAM|1 2"])


async def test_what_a_1_6_station_says_is_1_6(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "1.6", clock=lambda: 0.0) as station:
        charging = await station.start_transaction(1, "T")
        assert charging.id == 700
        assert charging.token_status == "Accepted"
        await station.meter(charging, 10)
    [start, meter] = csms.calls
    assert start.payload == {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "1970-01-01T00:00:00.000Z"}
    assert meter.payload["transactionId"] == 700
    assert meter.payload["meterValue"][0]["sampledValue"][0]["value"] == "10"


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_2_x_station_counts_its_transaction_events(csms: SimulatedCsms, version: str) -> None:
    async with SimulatedStation("A", csms.url, version) as station:
        charging = await station.start_transaction(1, "T")
        await station.meter(charging, 10)
        await station.stop_transaction(charging)
    events = [(call.payload["eventType"], call.payload["seqNo"]) for call in csms.calls]
    assert events == [("Started", 0), ("Updated", 1), ("Ended", 2)]
    assert csms.transactions[charging.id].seq_nos == [0, 1, 2]


async def test_a_2_1_station_can_report_status_by_event(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "2.1", status_events=True) as station:
        await station.status(1, "Charging")
    event = csms.calls[0].payload["eventData"][0]
    assert (csms.calls[0].action, event["actualValue"], event["variable"]) == (
        "NotifyEvent",
        "Occupied",
        {"name": "AvailabilityState"},
    )


async def test_a_blocked_tag_is_told(csms: SimulatedCsms) -> None:
    csms.books.blocked_tags.add("BAD")
    for version in VERSIONS:
        async with SimulatedStation(version, csms.url, version) as station:
            assert await station.authorize("BAD") == "Blocked"
            assert (await station.start_transaction(1, "BAD")).token_status == "Blocked"


async def test_a_start_that_got_no_answer_goes_on_as_minus_one(csms: SimulatedCsms) -> None:
    csms.manners.never_answer.add("StartTransaction")
    async with SimulatedStation("A", csms.url, call_timeout_s=0.05) as station:
        with pytest.raises(TimeoutError, match=r"A: no answer to StartTransaction within 0\.05 s"):
            await station.start_transaction(1, "T")
        charging = station.memory.transactions[1]
        assert charging.id == -1
        await station.stop_transaction(charging)
    assert csms.violations == []


async def test_data_transfer_keeps_every_key_of_its_data(csms: SimulatedCsms) -> None:
    data: dict[str, Any] = {"snake_case": 1, "camelCase": 2, "V2X": None, "soc": [21.456]}
    async with SimulatedStation("A", csms.url, "2.1", vendor="com.vendor") as station:
        assert await station.data_transfer("com.other", "M", data) == {"status": "UnknownVendorId"}
        asked = {"vendorId": "com.vendor", "messageId": "M", "data": data}
        assert await csms.call("A", "DataTransfer", asked) == {"status": "Accepted", "data": data}
    assert csms.calls[0].payload["data"] == station.commands[0].payload["data"] == data


async def test_a_call_that_fits_no_schema_is_not_sent(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        with pytest.raises(CallInvalid, match=r"CALL of Authorize.*idTag"):
            await station.call("Authorize", {})
    assert csms.calls == []


async def test_a_callerror_is_raised_with_code_and_description(csms: SimulatedCsms) -> None:
    csms.manners.answers["Heartbeat"] = CallFailed("InternalError", "no time", {"why": "x"})
    async with SimulatedStation("A", csms.url) as station:
        with pytest.raises(CallFailed, match=r"InternalError: no time") as failed:
            await station.heartbeat()
    assert (failed.value.code, failed.value.details) == ("InternalError", {"why": "x"})


async def test_raw_frames_go_out_and_are_expected_byte_for_byte(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw('[2,  "x" ,"DataTransfer",{"vendorId":"é", "data":"1.50"}]\n')
        answer = await station.expect_raw()
        assert answer == b'[3,"x",{"status":"UnknownVendorId"}]'
        await station.send_raw(b'[2,"y","Heartbeat",{}]', text=False)
        await csms.until(lambda: len(csms.raw("sent")) == 2)
        await station.send_raw('[2,"z","DataTransfer",{"vendorId":"v"}]')
        assert await station.expect_raw('[3,"z",{"status":"UnknownVendorId"}]')
        with pytest.raises(TimeoutError, match=r"the frame b'never' at A"):
            await station.expect_raw("never", timeout_s=0.01)
    assert csms.raw("received") == station.raw("sent")
    assert csms.raw("received")[0] == '[2,  "x" ,"DataTransfer",{"vendorId":"é", "data":"1.50"}]\n'.encode()
    assert csms.raw("sent") == station.raw("received")
    assert csms.violations == station.violations == []


async def test_a_call_without_a_connection_says_so() -> None:
    with pytest.raises(ConnectionError, match=r"A is not connected"):
        await SimulatedStation("A", "ws://127.0.0.1:1").heartbeat()


async def test_meter_values_outside_of_a_transaction(csms: SimulatedCsms) -> None:
    for version in VERSIONS:
        async with SimulatedStation(version, csms.url, version, connectors=2) as station:
            await station.meter_values()
    assert [call.action for call in csms.calls] == ["MeterValues"] * 6
    assert csms.violations == []


async def test_under_load_nothing_is_validated_and_the_journal_stays_small() -> None:
    async with (
        SimulatedCsms(validate=False, keep=10) as csms,
        SimulatedStation("A", csms.url, validate=False, keep=10) as station,
    ):
        await station.call("Heartbeat", {"stranger": 1})
        charging = await station.start_transaction(1, "T")
        for reading in range(20):
            await station.meter(charging, reading)
        assert await station.authorize("T") == "Accepted"
        assert len(csms.journal.frames) == len(station.journal.frames) == 10
        assert csms.violations == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_charging_takes_what_profiles_leave_and_reports_it(csms: SimulatedCsms, version: str) -> None:
    async with SimulatedStation("A", csms.url, version) as station:
        await station.boot()
        charging = await station.start_transaction(1, "TAG-1")
        assert await station.charge(charging, 22_000, 3600) == 22_000
        schedule = {"charging_rate_unit": "W", "charging_schedule_period": [{"start_period": 0, "limit": 7000.0}]}
        station.memory.profiles[1] = {
            "charging_profile_purpose": "ChargePointMaxProfile",
            "stack_level": 0,
            "charging_schedule": schedule,
        }
        assert await station.charge(charging, 22_000, 3600) == 7_000
        assert station.memory.connectors[1].meter_wh == 29_000
        told = station.raw("sent")[-1]
        assert b"Power.Active.Import" in told
        assert station.mishaps == []
