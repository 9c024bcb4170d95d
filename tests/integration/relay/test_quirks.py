"""Stations and back-ends as they really are: docs/quirks.md, row by row, as far as no other test shows it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from websockets.asyncio.client import connect
from websockets.frames import Opcode
from websockets.typing import Subprotocol

from reconciler.adapters.websocket import WebSocketLimits
from reconciler.app.csms_connection import RedialPolicy
from reconciler.model.desired import Compression, Quirks
from reconciler.model.live import Ack, LegPhase
from reconciler.testing import CallFailed, SimulatedCsms
from tests.integration.relay.support import booted, pair, station, until
from tests.integration.websocket.support import REQUEST, RawPeer, raw_station
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay

BOOT = b'[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]'
every_version = pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])


@asynccontextmanager
async def raw(running: Relay, identity: str = "CP1", request: bytes = REQUEST) -> AsyncIterator[RawPeer]:
    """Connect a station made of bytes."""
    port = int(running.url.rsplit(":", 1)[1].split("/")[0])
    async with raw_station(port, request.replace(b"/ocpp/CP-1", f"/ocpp/{identity}".encode())) as peer:
        yield peer


# -- handshakes ------------------------------------------------------------------------------------------------


@every_version
async def test_a_station_that_offers_no_version_speaks_the_one_it_is_assumed_to(version: str) -> None:
    async with pair() as between:
        quirks = Quirks(assume_version=version)
        await between.relay.run(replace(between.charger(), quirks=quirks))
        async with booted(between, version, offer_versions=False) as connected:
            transaction = await connected.start_transaction(1, "TAG")
            flipped = await between.relay.run(replace(between.charger(PASSIVE, PRIMARY), quirks=quirks))
            assert isinstance(flipped, Ack)
            await connected.stop_transaction(transaction)
            assert between.relay.live("cp1").version == version
            for csms in (between.a, between.b):  # which have no such tolerance
                assert [seen.offered for seen in csms.connections] == [(version,)]


async def test_a_station_that_offers_no_version_is_not_guessed_at() -> None:
    async with pair() as between, station(between, offer_versions=False) as connected:
        closed = await connected.wait_disconnected()
        assert (closed.code, closed.reason) == (1002, "no common subprotocol")
        assert between.a.connections == []


async def test_a_station_that_forgets_the_connection_header_and_doubles_slashes_is_served() -> None:
    request = REQUEST.replace(b"Connection: Upgrade\r\n", b"").replace(b"/ocpp/CP-1", b"///ocpp//CP1//")
    async with pair() as between, raw(between.relay, request=request) as peer:
        peer.put(Opcode.TEXT, BOOT)
        assert b'"Accepted"' in (await peer.get()).data
        await between.registered()


async def test_a_station_whose_newer_version_is_broken_is_pinned_to_the_older_one() -> None:
    async with pair(versions=("ocpp2.0.1", "ocpp1.6")) as between:
        between.more = {"versions": ("ocpp1.6",)}
        await between.relay.run(between.charger())
        async with booted(between, ("ocpp2.0.1", "ocpp1.6")) as connected:
            assert connected.dialect.subprotocol == "ocpp1.6"
            between.clean(connected)


async def test_messages_of_another_version_than_agreed_are_the_owner_s_to_judge() -> None:
    frame = b'[2,"x1","StartTransaction",{"connectorId":1,"idTag":"TAG","meterStart":0,"timestamp":""}]'
    async with pair() as between, booted(between, "ocpp2.0.1") as connected:
        between.a.manners.answers["StartTransaction"] = b'[3,"x1",{"transactionId":7}]'
        await connected.send_raw(frame)
        await connected.expect_raw(b'[3,"x1",{"transactionId":7}]')
        assert (await between.a.wait_for("StartTransaction")).raw == frame


@pytest.mark.parametrize("compression", ["auto", "off"])
async def test_stations_compress_every_message_by_itself_or_not_at_all(compression: Compression) -> None:
    async with pair() as between:
        between.a.manners.require_boot_first = False
        await between.relay.run(replace(between.charger(), quirks=Quirks(compression=compression)))
        url, version = f"{between.relay.url}/CP1", Subprotocol("ocpp2.0.1")
        async with connect(url, subprotocols=[version], compression="deflate", proxy=None) as socket:
            assert socket.response is not None
            agreed = socket.response.headers.get("Sec-WebSocket-Extensions", "")
            wanted = ["server_no_context_takeover", "client_no_context_takeover"] if compression == "auto" else []
            assert re.findall(r"\w+_no_context_takeover", agreed) == wanted
            for _ in range(2):
                await socket.send('[2,"1","Heartbeat",{}]')
                assert str(await socket.recv()).startswith('[3,"1",')


# -- boot ------------------------------------------------------------------------------------------------------


async def test_a_station_that_speaks_before_it_boots_is_a_well_behaved_one_to_observers() -> None:
    async with pair() as between:
        between.a.manners.require_boot_first = False
        async with station(between) as connected:
            await connected.status(1, "Available")
            await connected.heartbeat()
            await connected.boot()
            await connected.status(1, "Preparing")
            await between.registered()
            await between.b.until(lambda: any(c.payload.get("status") == "Preparing" for c in between.b.calls))
            assert between.b.calls[0].action == "BootNotification"
            between.clean(connected)


async def test_a_command_that_comes_before_the_boot_is_answered_waits_for_that_answer() -> None:
    async with pair() as between, station(between) as connected:
        held = between.a.manners.held["BootNotification"] = asyncio.Event()
        loop = asyncio.get_running_loop()
        booting = loop.create_task(connected.boot())
        await between.a.wait_for("BootNotification")
        reading = loop.create_task(between.a.call("CP1", "GetConfiguration", {}))
        await until(lambda: between.frames(between.a) == 2, what="the command to reach the relay")
        assert connected.raw("received") == []
        held.set()
        assert (await booting)["status"] == "Accepted"
        assert "configurationKey" in await reading
        assert [frame[:2] for frame in connected.raw("received")] == [b"[3", b"[2"]


async def test_a_station_that_its_owner_keeps_pending_is_set_up_meanwhile() -> None:
    async with pair() as between, station(between) as connected:
        between.a.books.boot_status = "Pending"
        assert (await connected.boot())["status"] == "Pending"
        assert "configurationKey" in await between.a.call("CP1", "GetConfiguration", {})


async def test_the_relay_sends_a_station_nothing_of_its_own() -> None:
    async with pair() as between, booted(between) as connected:
        transaction = await connected.start_transaction(1, "TAG")
        for owner in (between.b, between.a):
            await between.flip(to=owner)
        await connected.stop_transaction(transaction)
        assert connected.commands == []


# -- payloads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "to_owner"),
    [("9223372036854775807", "-1"), ("-1", "-1"), ("-42", "-42"), ("0", "0"), ("555", "555")],
    ids=["the largest of 64 bits", "-1", "a negative one", "0", "one that nobody knows"],
)
@pytest.mark.parametrize("action", ["StopTransaction", "MeterValues"])
async def test_a_transaction_id_that_no_back_end_gave_is_passed_on_and_acknowledged(
    action: str, sent: str, to_owner: str
) -> None:
    async with pair() as between, booted(between) as connected:
        known = await connected.start_transaction(1, "TAG")
        frame = '[2,"odd","%s",{"transactionId":%s,"meterStop":5,"timestamp":"2026-01-01T00:00:00Z"}]'
        for csms in (between.a, between.b):
            csms.manners.answers[action] = b'[3,"odd",{}]'
        await connected.send_raw(frame % (action, sent))
        await connected.expect_raw(b'[3,"odd",{}]')
        assert (await between.a.wait_for(action)).raw.decode() == frame % (action, to_owner)
        assert (await between.b.wait_for(action)).raw.decode() == frame % (action, "-1")
        assert [open_.id for open_ in between.relay.live("cp1").transactions] == [str(known.id)]


async def test_a_transaction_whose_end_was_never_told_is_over_when_the_next_begins_on_its_connector() -> None:
    async with pair() as between, booted(between) as connected:
        await connected.start_transaction(1, "TAG")
        del connected.memory.transactions[1]
        following = await connected.start_transaction(1, "TAG")
        assert [open_.id for open_ in between.relay.live("cp1").transactions] == [str(following.id)]


ODD = {
    "an object for an array": ("MeterValues", '{"connectorId":1,"meterValue":{"timestamp":"x","sampledValue":{}}}'),
    "strings for numbers": ("MeterValues", '{"connectorId":"1","meterValue":[]}'),
    "Celcius": (
        "MeterValues",
        '{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z",'
        '"sampledValue":[{"value":"20","unit":"Celcius"}]}]}',
    ),
    "Celsius": (
        "MeterValues",
        '{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z",'
        '"sampledValue":[{"value":"20","unit":"Celsius"}]}]}',
    ),
    "an empty time": ("StatusNotification", '{"connectorId":1,"errorCode":"NoError","status":"A","timestamp":""}'),
    "a time of 1970": (
        "StatusNotification",
        '{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"1970-01-01T00:00:00Z"}',
    ),
    "local time": (
        "StatusNotification",
        '{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-01-01 00:00:00.123456"}',
    ),
    "null for what is not there": ("StatusNotification", '{"connectorId":1,"info":null,"vendorId":null}'),
    "an unknown field": ("Authorize", '{"idTag":"TAG","colour":"green"}'),
    "a text that is too long": ("Authorize", '{"idTag":"%s"}' % ("T" * 600)),
}


@pytest.mark.parametrize(("action", "payload"), ODD.values(), ids=ODD)
async def test_what_breaks_a_schema_is_not_the_relay_s_to_judge(action: str, payload: str) -> None:
    frame = f'[2,"odd","{action}",{payload}]'.encode()
    async with pair() as between, booted(between) as connected:
        seen = [sum(call.action == action for call in csms.calls) for csms in (between.a, between.b)]
        between.a.manners.answers[action] = b'[3,"odd",{}]'
        await connected.send_raw(frame)
        await connected.expect_raw(b'[3,"odd",{}]')
        for csms, before in zip((between.a, between.b), seen, strict=True):
            assert (await csms.wait_for(action, count=before + 1)).raw == frame


async def test_an_answer_that_breaks_a_schema_is_not_the_relay_s_to_judge_either() -> None:
    answer = '{"configurationKey":[{"key":"a","readonly":"false","value":300},{"key":"b","value":"%s"}]}' % ("x" * 600)
    async with pair() as between, booted(between) as connected:
        command = '[2,"c1","GetConfiguration",{}]'
        connected.manners.answers["GetConfiguration"] = lambda call: f'[3,"{call.message_id}",{answer}]'.encode()
        await between.a.send_raw("CP1", command)
        await between.a.until(lambda: f'[3,"c1",{answer}]'.encode() in between.a.raw("received"))


# -- connections -----------------------------------------------------------------------------------------------


async def test_pings_are_off_for_a_station_that_knows_none_and_on_for_others() -> None:
    quick = WebSocketLimits(ping_interval_s=0.1, ping_timeout_s=0.1)
    async with SimulatedCsms("a") as a, relay(limits=quick) as running:
        legs = [(backend("a", a.url), PRIMARY)]
        await running.run(replace(charger("cp1", legs), quirks=Quirks(ping_interval_s=0)))
        await running.run(charger("cp2", legs))
        async with raw(running, "CP1") as deaf_to_pings, raw(running, "CP2") as frozen:
            closed = await frozen.close_frame()
            assert (closed.code, closed.reason) == (1011, "silent for 0.1 s after a ping")
            deaf_to_pings.put(Opcode.TEXT, BOOT)
            answer = await deaf_to_pings.get()
            assert answer.opcode is Opcode.TEXT
            assert b'"Accepted"' in answer.data


async def test_a_station_that_hears_no_commands_any_more_is_made_to_dial_anew() -> None:
    settings = {"call_timeout_s": 0.3}
    async with pair(settings=settings) as between, booted(between, reconnect_after_s=0.01) as connected:
        connected.manners.never_answer.add("ClearCache")
        for _ in range(3):
            with pytest.raises(CallFailed, match="did not answer ClearCache in time"):
                await between.a.call("CP1", "ClearCache", {})
        closed = await connected.wait_disconnected()
        assert (closed.code, closed.reason) == (1011, "no answer to 3 commands in a row")
        connected.manners.never_answer.clear()
        await until(lambda: between.relay.live("cp1").connections == 2)
        await connected.wait_connected()
        assert await connected.authorize("TAG") == "Accepted"
        assert await between.a.call("CP1", "ClearCache", {}) == {"status": "Accepted"}


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_station_that_compresses_without_having_agreed_to_is_closed_alone_and_may_come_back(
    version: str,
) -> None:
    request = REQUEST.replace(b"ocpp1.6", version.encode())
    async with pair() as between, raw(between.relay, request=request) as peer:
        peer.writer.write(b"\xc1\x80\0\0\0\0")
        assert (await peer.close_frame()).code == 1002
        async with booted(between, version) as connected:
            between.clean(connected)


# -- back-ends -------------------------------------------------------------------------------------------------


async def test_a_back_end_that_allows_one_call_in_flight_whatever_its_direction_is_not_called_while_it_calls() -> None:
    async with pair(settings={"half_duplex": True}) as between, booted(between) as connected:
        between.a.manners.half_duplex = True
        connected.manners.answers["ClearCache"] = {"status": "Accepted"}
        held = connected.manners.held["ClearCache"] = asyncio.Event()
        async with asyncio.TaskGroup() as both:
            commanding = both.create_task(between.a.call("CP1", "ClearCache", {}))
            await connected.wait_for("ClearCache")
            asking = both.create_task(connected.authorize("TAG"))
            await between.b.wait_for("Authorize")
            assert "Authorize" not in [call.action for call in between.a.calls]
            held.set()
        assert (commanding.result(), asking.result()) == ({"status": "Accepted"}, "Accepted")
        between.clean(connected)


async def test_a_back_end_that_does_not_know_the_charger_is_left_alone_until_somebody_wants_it() -> None:
    policy = RedialPolicy(first_s=0.01, longest_s=1000.0)
    async with SimulatedCsms("a") as a, SimulatedCsms("b", identities=[]) as b, relay(redial=policy) as running:
        legs = [backend("a", a.url), backend("b", b.url)]
        await running.run(charger("cp1", zip(legs, (PRIMARY, PASSIVE), strict=True)))
        async with station(running) as connected:
            await connected.boot()
            await until(lambda: running.phase("cp1", "b") is LegPhase.DOWN)
            for _ in range(20):
                await connected.heartbeat()
            assert [seen.status for seen in b.connections] == [404]
            b.identities = None  # the partner's staff added it
            outcome = await running.run(charger("cp1", zip(legs, (PASSIVE, PRIMARY), strict=True)))
            assert isinstance(outcome, Ack)
            assert await connected.authorize("TAG") == "Accepted"
            await b.wait_for("Authorize")
