"""Payloads arrive byte for byte as they were sent, in both directions, at owners and observers (R1)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.desired import Role
from reconciler.testing.recording import RecordedCall
from tests.integration.relay.support import Pair, booted, pair, until
from tests.support.relay import PASSIVE, PRIMARY

PAYLOADS = {
    "floats, letters and exponents": '{"value": 1.10, "u":"é", "n":1e2}',
    "odd spacing": '{ "a" :\t1 ,\r\n  "b":[ ] , "c" : {\n} }',
    "numbers no double can hold": '{"a":123456789012345678901234567890,"b":1E400,"c":-0.0,"d":0.1000000000000000055}',
    "64 bit and beyond": '{"a":9223372036854775807,"b":-9223372036854775809,"c":18446744073709551616}',
    "escapes": r'{"a":"\u00e9\/\\\"\b\f\n\r\t","b":"\uD83D\uDE00","\u0063":"\u0000"}',
    "duplicate keys": '{"a":1,"a":2,"a":"three"}',
    "scripts of the world": '{"a":"Ladesäule 充电站 🔌 \u202eright to left\u2028"}',
    "nothing": "{}",
    "null values": '{"a":null,"b":[null,true,false]}',
    "what looks like a frame": r'{"data":"[2,\"id-1\",\"Reset\",{}]","x":[2,"id-1","Reset",{}]}',
    "the message id again": '{"id-1":"id-1","a":["id-1"]}',
    "deep, but within reason": '{"a":' * 100 + "{}" + "}" * 100,
    "200 kB of text": json.dumps({"data": "x€" * 50_000}, ensure_ascii=False),
    "200 kB of small values": json.dumps({"data": [{"n": number / 10, "s": "é"} for number in range(9_000)]}),
}
every_payload = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
every_version = pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])


def answering(payload: str) -> Callable[[RecordedCall], bytes]:
    """Return a script that answers with these bytes, oddly spaced around them."""

    def answer(call: RecordedCall) -> bytes:
        return f" [3 , {json.dumps(call.message_id)},  {payload} ]\n".encode()

    return answer


@every_version
@every_payload
async def test_what_the_station_says_arrives_as_it_was_said(version: str, payload: str) -> None:
    async with pair() as between, booted(between, version) as station:
        frame = f' [ 2,"id-1" , "DataTransfer",{payload}] '.encode()
        between.a.manners.answers["DataTransfer"] = answering('{"status":"Accepted"}')
        await station.send_raw(frame)
        for csms in (between.a, between.b):
            assert (await csms.wait_for("DataTransfer")).raw == frame
        await station.expect_raw(b' [3 , "id-1",  {"status":"Accepted"} ]\n')


@every_version
@every_payload
async def test_what_the_owner_answers_arrives_as_it_was_answered(version: str, payload: str) -> None:
    async with pair() as between, booted(between, version) as station:
        between.a.manners.answers["DataTransfer"] = answering(payload)
        between.b.manners.answers["DataTransfer"] = answering('{"from":"the observer"}')
        await station.send_raw('[2,"id-1","DataTransfer",{"vendorId":"v"}]')
        await station.expect_raw(f' [3 , "id-1",  {payload} ]\n')
        assert not [raw for raw in station.raw("received") if b"observer" in raw]


@every_version
@every_payload
async def test_a_command_and_its_answer_arrive_as_they_were_said_but_for_the_id(version: str, payload: str) -> None:
    async with pair() as between, booted(between, version) as station:
        station.manners.answers["DataTransfer"] = answering(payload)
        await between.a.send_raw("CP1", f'[2, "id-1" ,"DataTransfer",\t{payload}  ]')
        command = await station.wait_for("DataTransfer")
        assert command.message_id != "id-1"
        assert command.raw.decode() == f'[2, "{command.message_id}" ,"DataTransfer",\t{payload}  ]'
        answer = f' [3 , "id-1",  {payload} ]\n'.encode()
        await between.a.until(lambda: answer in between.a.raw("received", "CP1"))


async def test_errors_of_both_sides_arrive_as_they_were_said() -> None:
    error = b'[4,"id-1", "GenericError" ,"d\\u00e9tail \xc3\xa9",{ "n":1.10}]'
    async with pair() as between, booted(between) as station:
        between.a.manners.answers["DataTransfer"] = error
        await station.send_raw('[2,"id-1","DataTransfer",{"vendorId":"v"}]')
        await station.expect_raw(error)
        station.manners.answers["ClearCache"] = lambda call: error.replace(b"id-1", call.message_id.encode())
        await between.a.send_raw("CP1", '[2,"id-1","ClearCache",{}]')
        await between.a.until(lambda: error in between.a.raw("received", "CP1"))


@pytest.mark.parametrize("identifier", ['"é"', r'"\u0041\"\\"', r'"x y\tz"', '"' + "a" * 36 + '"', '""'])
async def test_an_id_that_a_leg_can_carry_is_echoed_exactly(identifier: str) -> None:
    async with pair() as between, booted(between) as station:
        between.a.manners.unique_message_ids = between.b.manners.unique_message_ids = False
        await station.send_raw(f'[2,{identifier},"Heartbeat",{{}}]')
        await until(lambda: any(raw.startswith(f"[3,{identifier},".encode()) for raw in station.raw("received")))


@pytest.mark.parametrize("identifier", ["17", "1.50", "null", "-1", "true", '"' + "long" * 20 + '"'])
async def test_an_odd_id_of_a_station_is_echoed_exactly_and_never_shown_to_a_back_end(identifier: str) -> None:
    async with pair() as between, booted(between) as station:
        await station.send_raw(f'[2,{identifier},"Authorize",{{"idTag":"T"}}]')
        await until(lambda: any(raw.startswith(f"[3,{identifier},".encode()) for raw in station.raw("received")))
        for csms in (between.a, between.b):
            shown = (await csms.wait_for("Authorize")).message_id
            assert isinstance(shown, str)
            assert 0 < len(shown) <= 36


METER_VALUES = (
    '{{"connectorId":1 ,"transactionId" : {id} ,"meterValue":[{{"value": 1.10,"transactionId":7}}], "z":1e2}}'
)


async def test_of_a_payload_with_a_transaction_id_only_the_id_differs_at_an_observer() -> None:
    async with pair() as between, booted(between) as station:
        transaction = await station.start_transaction(1, "TAG")
        between.a.manners.answers["MeterValues"] = between.b.manners.answers["MeterValues"] = {}
        await until(lambda: 900 in between.b.transactions)
        await station.send_raw(f'[2,"m", "MeterValues" ,{METER_VALUES.format(id=transaction.id)} ]')
        for csms, known_as in ((between.a, 100), (between.b, 900)):
            got = (await csms.wait_for("MeterValues")).raw.decode()
            assert got == f'[2,"m", "MeterValues" ,{METER_VALUES.format(id=known_as)} ]'


PROFILE = '{{"connectorId":1,"csChargingProfiles":{{ "transactionId":{id}, "limit": 16.0,"x":"é" }} }}'


async def test_of_a_command_with_a_transaction_id_only_the_id_differs_at_the_station() -> None:
    energy = Role("energy", frozenset({"smart-charging"}))
    async with pair(roles=(PRIMARY, energy)) as between, booted(between) as station:
        await station.start_transaction(1, "TAG")
        await until(lambda: 900 in between.b.transactions)
        station.manners.answers["SetChargingProfile"] = {"status": "Accepted"}
        await between.b.send_raw("CP1", f'[2,"1","SetChargingProfile", {PROFILE.format(id=900)}]')
        command = await station.wait_for("SetChargingProfile")
        assert command.raw.decode() == f'[2,"{command.message_id}","SetChargingProfile", {PROFILE.format(id=100)}]'


async def test_a_signed_frame_passes_untouched() -> None:
    signed = '[2,"s-1",{"ext" : 1.10},"DataTransfer-Signed",{"payload":"eyJ0cmFuc2FjdGlvbklkIjoxfQ","signatures":[]}]'
    async with pair() as between, booted(between, "ocpp2.0.1") as station:
        await station.send_raw(signed)
        for csms in (between.a, between.b):
            await csms.until(lambda csms=csms: signed.encode() in csms.raw("received"))


@pytest.mark.parametrize("compression", [False, True])
async def test_bytes_are_the_same_with_and_without_compression(compression: bool) -> None:
    payload = PAYLOADS["200 kB of text"]
    async with pair(roles=(PRIMARY, PASSIVE)) as between:
        await check_compressed(between, payload, compression)


async def check_compressed(between: Pair, payload: str, compression: bool) -> None:
    options: dict[str, Any] = {"compression": compression}
    async with booted(between, "ocpp2.0.1", **options) as station:
        frame = f'[2,"id-1","DataTransfer",{payload}]'
        await station.send_raw(frame)
        assert (await between.a.wait_for("DataTransfer")).raw.decode() == frame
