"""One end of a connection: odd input, broken rules, timeouts, and answers that don't fit."""

import asyncio
import json
import sys

import pytest

from reconciler.testing import CallFailed, CallInvalid, SimulatedCsms, SimulatedStation

ODD_FRAMES = [
    "",
    "not json",
    "{}",
    "[]",
    "null",
    '"[2]"',
    "[2]",
    '[2,"1"]',
    '[2,"1",{},{}]',
    '[2,"1","Heartbeat",{},{}]',
    '[2,"2","Heartbeat",[]]',
    '[2,"3","Heartbeat","text"]',
    '[2,null,"Heartbeat",{}]',
    '[2,{"an":"object"},"Heartbeat",{}]',
    '[2,["list"],"Nonsense",{}]',
    '[2,"4","",{}]',
    '[2,"5","BootNotification",{"chargePointVendor":7}]',
    '[2,"6","StartTransaction",{"connectorId":1,"idTag":"x","meterStart":"NaN","timestamp":""}]',
    '[2,"7",{"alg":"ES256"},"BootNotification-Signed",{"payload":"e30"}]',
    '[3,"nobody",{}]',
    "[3,null,{}]",
    '[3,{"an":"object"},{}]',
    '[4,"nobody","GenericError","",{}]',
    '[4,"nobody"]',
    '[5,"nobody","FormatViolation","",{}]',
    '[6,"8","NotifyPeriodicEventStream",{"id":1}]',
    '[7,"9","Heartbeat",{}]',
    '[2,"10","DataTransfer",null]',
    "[" * 5000,
    '[2,"11","DataTransfer",{"vendorId":"\x00\ud7ff"}]',
    '[2,"\\ud800","DataTransfer",{"vendorId":"\\udfff","data":"\\ud800"}]',
    '[2,"é\\ud800","Nonsense é",{"é":"\\ud800"}]',
]


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_no_frame_however_odd_ends_a_connection(csms: SimulatedCsms, version: str) -> None:
    async with SimulatedStation("A", csms.url, version) as station:
        await csms.wait_connected("A")
        for frame in ODD_FRAMES:
            await station.send_raw(frame)
            await csms.send_raw("A", frame)
        await station.send_raw(b'[2,"\xff","Heartbeat",{}]')
        await station.send_raw(b"\x00\x01", text=False)
        await station.heartbeat()
        await csms.call("A", "ClearCache", {})
        assert station.disconnects == []
    received = iter(csms.raw("received"))  # the station's answers to the CSMS's odd frames come in between
    missing = [number for number, frame in enumerate(ODD_FRAMES) if frame.encode() not in received]
    assert missing == []


async def test_a_payload_nested_as_deeply_as_can_be_read_ends_no_connection(csms: SimulatedCsms) -> None:
    limit = sys.getrecursionlimit()
    async with SimulatedStation("A", csms.url, "2.1") as station:
        for depth in range(limit - 60, limit):
            nested = "[" * depth + "]" * depth
            await station.send_raw(f'[2,"{depth}","Heartbeat",{{"stranger":{nested}}}]')
            await station.expect_raw()
        await station.heartbeat()
        assert station.disconnects == []


@pytest.mark.parametrize(
    ("version", "code"),
    [("ocpp1.6", "FormationViolation"), ("ocpp2.0.1", "FormatViolation"), ("ocpp2.1", "FormatViolation")],
)
async def test_a_misshapen_call_is_refused_under_its_id(csms: SimulatedCsms, version: str, code: str) -> None:
    async with SimulatedStation("A", csms.url, version) as station:
        await station.send_raw('[2,"x","Heartbeat"]')
        assert json.loads(await station.expect_raw())[:3] == [4, "x", code]


async def test_a_strict_end_closes_with_a_reason_that_fits_a_close_frame(csms: SimulatedCsms) -> None:
    csms.manners.close_on_violation = True
    async with SimulatedStation("A", csms.url, "2.1") as station:
        await station.send_raw('[2,"' + "é" * 200 + '","Authorize",{"idToken":"' + "é" * 200 + '"}]')
        closed = await station.wait_disconnected()
    assert closed.code == 1002
    assert len(closed.reason.encode()) <= 123


async def test_garbage_is_refused_with_minus_one_in_2_x_and_dropped_in_1_6(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "2.0.1") as station:
        await station.send_raw("garbage")
        assert await station.expect_raw() == b'[4,"-1","RpcFrameworkError","not JSON",{}]'
    async with SimulatedStation("B", csms.url, "1.6") as station:
        await station.send_raw("garbage")
        await station.heartbeat()
        assert len(station.raw("received")) == 1
    assert [v.rule for v in csms.violations] == ["not JSON", "not JSON"]


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_what_is_not_known_is_told_apart_from_what_is_not_done(csms: SimulatedCsms, version: str) -> None:
    async with SimulatedStation("A", csms.url, version) as station:
        await station.send_raw('[2,"a","Nonsense",{}]')
        await station.send_raw('[2,"b","Reset",{"type":"Soft"}]')
        answers = [json.loads(await station.expect_raw())[:3] for _ in range(2)]
    assert answers == [[4, "a", "NotSupported"], [4, "b", "NotImplemented"]]


@pytest.mark.parametrize("message_id", ["7", "null", '"' + "x" * 60 + '"', '""'])
async def test_odd_message_ids_are_echoed_as_they_came(csms: SimulatedCsms, message_id: str) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw(f'[2,{message_id},"DataTransfer",{{"vendorId":"v"}}]')
        assert await station.expect_raw() == f'[3,{message_id},{{"status":"UnknownVendorId"}}]'.encode()


async def test_a_payload_of_null_is_an_empty_one_in_1_6(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw('[2,"1","Heartbeat",null]')
        assert json.loads(await station.expect_raw())[0] == 3
    assert csms.calls[0].payload is None


async def test_a_call_that_fits_no_schema_is_refused_and_is_a_violation(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw('[2,"1","Authorize",{"idTag":"T","stranger":1}]')
        assert json.loads(await station.expect_raw())[:3] == [4, "1", "FormationViolation"]
        await station.send_raw('[2,"2","DataTransfer",{}]')
        assert json.loads(await station.expect_raw())[0] == 4
    assert len(csms.violations) == 2
    assert "stranger" in csms.violations[0].rule


async def test_an_answer_that_fits_no_schema_is_told_to_the_sender_in_2_1(csms: SimulatedCsms) -> None:
    csms.manners.answers["Heartbeat"] = {"currentTime": 7}
    async with SimulatedStation("A", csms.url, "2.1") as station:
        with pytest.raises(CallInvalid, match=r"CALLRESULT of Heartbeat"):
            await station.heartbeat()
        assert json.loads(station.raw("sent")[-1])[0] == 5
        await csms.until(lambda: bool(csms.violations))
    assert csms.violations[0].rule.startswith("CALLRESULTERROR TypeConstraintViolation")
    assert station.violations[0].rule.startswith("CALLRESULT of Heartbeat")


async def test_a_send_is_recorded_and_not_answered(csms: SimulatedCsms) -> None:
    stream = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 1, "v": "2"}]}
    async with SimulatedStation("A", csms.url, "2.1") as station:
        await station.send("NotifyPeriodicEventStream", stream)
        received = await csms.wait_for("NotifyPeriodicEventStream")
        await station.heartbeat()
        assert len(station.raw("received")) == 1
        with pytest.raises(CallInvalid):
            await station.send("NotifyPeriodicEventStream", {})
    assert (received.is_send, received.payload, received.answer) == (True, stream, None)
    assert csms.violations == []


async def test_a_send_has_no_place_before_2_1(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "2.0.1") as station:
        await station.send_raw('[6,"1","NotifyPeriodicEventStream",{}]')
        await csms.until(lambda: bool(csms.violations))
    assert csms.violations[0].rule == "SEND in 2.0.1"


async def test_own_calls_wait_for_each_other(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station, asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(station.heartbeat())
        await csms.wait_for("Heartbeat", count=5)
    assert csms.violations == []


async def test_a_second_call_before_the_first_is_answered_is_a_violation(csms: SimulatedCsms) -> None:
    csms.manners.held["Heartbeat"] = asyncio.Event()
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw('[2,"1","Heartbeat",{}]')
        await station.send_raw('[2,"2","DataTransfer",{"vendorId":"v"}]')
        assert await station.expect_raw() == b'[3,"2",{"status":"UnknownVendorId"}]'
    assert [v.rule for v in csms.violations] == ["a CALL while another is outstanding"]


async def test_an_answer_that_comes_too_late_is_swallowed(csms: SimulatedCsms) -> None:
    csms.manners.held["Heartbeat"] = asyncio.Event()
    async with SimulatedStation("A", csms.url) as station:
        with pytest.raises(TimeoutError):
            await station.call("Heartbeat", {}, timeout_s=0.02)
        csms.manners.held["Heartbeat"].set()
        await station.expect_raw()
        await station.heartbeat()
    assert station.violations == []


async def test_an_answer_that_nobody_asked_for_is_a_violation(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw('[3,"unheard-of",{}]')
        await csms.until(lambda: bool(csms.violations))
    assert csms.violations[0].rule == "an answer nobody waits for"


async def test_a_callerror_for_a_command_is_raised(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url):
        await csms.wait_connected("A")
        with pytest.raises(CallFailed) as failed:
            await csms.call("A", "CertificateSigned", {"certificateChain": "x"})
    assert failed.value.code == "NotImplemented"
