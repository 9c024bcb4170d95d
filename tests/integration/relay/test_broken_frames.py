"""Frames that are wrong in every way: a decided answer or a drop, a note, and a session that lives on (R16)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from reconciler.model.desired import LOCAL, Backend
from reconciler.model.features import OCPP_VERSIONS
from reconciler.relay.envelope import DEPTH_MAX
from reconciler.testing import SimulatedStation
from reconciler.testing.recording import Closed
from tests.integration.relay.support import Pair, booted, pair, station, until
from tests.support.relay import PASSIVE, PRIMARY, backend, charger

NO_ID = ("", '[4,"-1","RpcFrameworkError"', '[4,"-1","RpcFrameworkError"')
BAD_CALL = ('[4,"x","FormationViolation"', '[4,"x","FormatViolation"', '[4,"x","FormatViolation"')
DROPPED = ("", "", "")
MALFORMED, UNKNOWN, STRAY = "malformed-frame", "unknown-type", "stray-answer"

FRAMES = {
    "not JSON": ("hello", NO_ID, MALFORMED),
    "nothing at all": ("", NO_ID, MALFORMED),
    "an object": ('{"a":1}', NO_ID, MALFORMED),
    "a string": ('"[2]"', NO_ID, MALFORMED),
    "a number": ("17", NO_ID, MALFORMED),
    "null": ("null", NO_ID, MALFORMED),
    "an empty array": ("[]", NO_ID, MALFORMED),
    "a type that is text": ('["2","x","Heartbeat",{}]', NO_ID, MALFORMED),
    "a type that is null": ('[null,"x","Heartbeat",{}]', NO_ID, MALFORMED),
    "no action": ('[2,"x"]', BAD_CALL, MALFORMED),
    "an action that is a number": ('[2,"x",7,{}]', BAD_CALL, MALFORMED),
    "a payload that is an array": ('[2,"x","Heartbeat",[]]', BAD_CALL, MALFORMED),
    "a payload that is text": ('[2,"x","Heartbeat","{}"]', BAD_CALL, MALFORMED),
    "a frame cut off": ('[2,"x","Heartbeat",{"a":', BAD_CALL, MALFORMED),
    "something behind the frame": ('[2,"x","Heartbeat",{}] [', BAD_CALL, MALFORMED),
    "a NUL in a string": ('[2,"x","DataTransfer",{"vendorId":"\x00"}]', BAD_CALL, MALFORMED),
    "single quotes": ("[2,'x','Heartbeat',{}]", NO_ID, MALFORMED),
    "half of a surrogate pair": (r'[2,"x","DataTransfer",{"vendorId":"\ud83d"}]', BAD_CALL, MALFORMED),
    "a payload nested 100 000 deep": ('[2,"x","DataTransfer",{"a":' + "[" * 100_000, BAD_CALL, MALFORMED),
    "an array nested 100 000 deep": ("[" * 100_000 + "]" * 100_000, NO_ID, MALFORMED),
    "a type that nobody defined": ('[9,"x",{}]', ("", '[4,"x","MessageTypeNotSupported"', ""), UNKNOWN),
    "a result without payload": ('[3,"x"]', DROPPED, MALFORMED),
    "a result that is text": ('[3,"x","Accepted"]', DROPPED, MALFORMED),
    "an error without code": ('[4,"x"]', DROPPED, MALFORMED),
    "a result of no call": ('[3,"x",{}]', DROPPED, STRAY),
    "an error of no call": ('[4,"x","InternalError","",{}]', DROPPED, STRAY),
}
VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
every_frame = pytest.mark.parametrize("case", FRAMES.values(), ids=FRAMES)
every_version = pytest.mark.parametrize("version", VERSIONS)


@asynccontextmanager
async def running(version: str = "ocpp1.6") -> AsyncIterator[tuple[Pair, SimulatedStation]]:
    """Give a station that is registered at both CSMSs, none of which minds what it is sent."""
    async with pair() as between, booted(between, version) as connected:
        yield between, connected


async def lives(between: Pair, connected: SimulatedStation, *, again: int = 1) -> None:
    """Show that station, owner and observer still reach each other."""
    assert await connected.authorize("AFTER") == "Accepted"
    await between.b.wait_for("Authorize", count=again)
    connected.manners.answers["ClearCache"] = {"status": "Accepted"}
    assert await between.a.call("CP1", "ClearCache", {}) == {"status": "Accepted"}


@every_version
@every_frame
async def test_a_broken_frame_of_a_station_is_answered_as_decided_and_goes_no_further(
    version: str, case: tuple[str, tuple[str, ...], str]
) -> None:
    frame, answers, note = case
    answer = answers[VERSIONS.index(version)]
    async with running(version) as (between, connected):
        before = len(connected.raw("received"))
        shown = [len(csms.raw("received")) for csms in (between.a, between.b)]
        await connected.send_raw(frame)
        await until(lambda: between.relay.tally.notes(note) == 1, what=note)
        if answer:
            await until(lambda: len(connected.raw("received")) == before + 1)
            assert connected.raw("received")[-1].decode().startswith(answer)
        assert [len(csms.raw("received")) for csms in (between.a, between.b)] == shown
        await lives(between, connected)
        assert len(connected.raw("received")) == before + bool(answer) + 2
        assert connected.disconnects == []


@pytest.mark.parametrize(
    ("version", "sender"),
    [("ocpp1.6", "a"), ("ocpp2.0.1", "b"), ("ocpp2.1", "a")],
    ids=["1.6-owner", "2.0.1-observer", "2.1-owner"],
)
@every_frame
async def test_a_broken_frame_of_a_back_end_is_answered_as_decided_and_goes_no_further(
    version: str, sender: str, case: tuple[str, tuple[str, ...], str]
) -> None:
    frame, answers, note = case
    answer = answers[VERSIONS.index(version)]
    async with running(version) as (between, connected):
        csms = between.a if sender == "a" else between.b
        before, shown = len(csms.raw("received")), len(connected.raw("received"))
        await csms.send_raw("CP1", frame)
        await until(lambda: between.relay.tally.notes(note) == 1, what=note)
        if answer:
            await until(lambda: len(csms.raw("received")) == before + 1)
            assert csms.raw("received")[-1].decode().startswith(answer)
        assert len(connected.raw("received")) == shown
        await lives(between, connected)
        assert [seen.closed for seen in csms.connections] == [None]
        assert connected.disconnects == []


async def test_a_frame_nested_as_deep_as_is_allowed_harms_nobody_who_reads_it_after() -> None:
    here = Backend(LOCAL, "", OCPP_VERSIONS)
    async with pair() as between, booted(between) as connected:
        for owner in (between.backend(between.a), here):
            await between.relay.run(charger("cp1", [(owner, PRIMARY), (between.backend(between.b), PASSIVE)]))
            for deeper in (0, 1):
                refused, depth = between.relay.tally.notes(MALFORMED), DEPTH_MAX - 2 + deeper
                payload = '{"connectorId":1,"x":' + "[" * depth + "]" * depth + "}"
                answered = len(connected.raw("received"))
                await connected.send_raw(f'[2,"{owner.name}{deeper}","StatusNotification",{payload}]')
                await until(lambda answered=answered: len(connected.raw("received")) > answered)
                assert between.relay.tally.notes(MALFORMED) - refused == deeper
        assert connected.disconnects == []


TOO_BAD = {
    "a frame of 5 MB": (b'[2,"x","DataTransfer",{"data":"' + b"x" * 5_000_000 + b'"}]', True, 1009),
    "text that is not UTF-8": (b'[2,"x","DataTransfer",{"data":"\xff"}]', True, 1007),
    "a binary frame": (b'[2,"x","Heartbeat",{}]', False, 1003),
}
every_closing_frame = pytest.mark.parametrize("case", TOO_BAD.values(), ids=TOO_BAD)


@every_closing_frame
async def test_what_ends_a_station_s_connection_ends_no_other_and_the_station_may_come_back(
    case: tuple[bytes, bool, int],
) -> None:
    frame, text, code = case
    async with running() as (between, connected):
        legs = [(between.backend(between.a), PRIMARY)]
        await between.relay.run(charger("cp2", legs))
        async with station(between, identity="CP2") as other:
            await other.boot()
            await connected.send_raw(frame, text=text)
            closed = await connected.wait_disconnected()
            assert closed.code == code
            await between.a.wait_disconnected("CP1")
            assert await other.authorize("OTHER") == "Accepted"
            await connected.connect()
            await lives(between, connected)
            assert other.disconnects == []


@pytest.mark.parametrize("sender", ["a", "b"], ids=["owner", "observer"])
@every_closing_frame
async def test_what_ends_a_back_end_s_leg_ends_no_other_and_the_leg_is_dialled_again(
    sender: str, case: tuple[bytes, bool, int]
) -> None:
    frame, text, code = case
    async with running() as (between, connected):
        csms = between.a if sender == "a" else between.b
        await csms.send_raw("CP1", frame, text=text)
        await csms.until(lambda: csms.connections[0].closed is not None)
        assert csms.connections[0].closed == Closed(code, csms.connections[0].closed.reason)
        await csms.until(lambda: len(csms.connections) == 2)
        await between.registered()
        await lives(between, connected)
        assert connected.disconnects == []


async def test_a_call_repeated_while_it_is_open_is_made_once_and_answered_as_often_as_it_was_sent() -> None:
    async with running() as (between, connected):
        held = between.a.manners.held["Authorize"] = asyncio.Event()
        for _ in range(3):
            await connected.send_raw('[2,"same","Authorize",{"idTag":"T"}]')
        await until(lambda: between.relay.tally.notes("duplicate-call") == 2)
        held.set()
        await until(lambda: sum(b'"same"' in raw for raw in connected.raw("received")) == 3)
        assert len([call for call in between.a.calls if call.action == "Authorize"]) == 1
        await lives(between, connected, again=2)


async def test_an_id_used_for_two_different_calls_at_once_gets_both_answers() -> None:
    async with running() as (between, connected):
        between.a.manners.held["Authorize"] = asyncio.Event()
        await connected.send_raw('[2,"same","Authorize",{"idTag":"T"}]')
        await connected.send_raw('[2,"same","DataTransfer",{"vendorId":"v"}]')
        await between.a.wait_for("Authorize")
        between.a.manners.held["Authorize"].set()
        await until(lambda: sum(raw.startswith(b'[3,"same"') for raw in connected.raw("received")) == 2)
        await between.a.wait_for("DataTransfer")
        await lives(between, connected, again=2)


async def test_a_command_repeated_while_it_is_open_reaches_the_station_once() -> None:
    async with running() as (between, connected):
        held = connected.manners.held["ClearCache"] = asyncio.Event()
        connected.manners.answers["ClearCache"] = {"status": "Accepted"}
        for _ in range(2):
            await between.a.send_raw("CP1", '[2,"same","ClearCache",{}]')
        await until(lambda: between.relay.tally.notes("duplicate-call") == 1)
        held.set()
        await until(lambda: between.a.raw("received")[-1] == b'[3,"same",{"status":"Accepted"}]')
        await lives(between, connected)
        assert len(connected.commands) == 2


async def test_a_station_with_too_many_open_calls_loses_its_own_connection_and_no_other() -> None:
    async with running() as (between, connected):
        await between.relay.run(charger("cp2", [(backend("b", between.b.url), PRIMARY)]))
        async with station(between, identity="CP2") as other:
            await other.boot()
            between.a.manners.silent = True
            for number in range(20):
                await connected.send_raw(f'[2,"{number}","Authorize",{{"idTag":"T"}}]')
            closed = await connected.wait_disconnected()
            assert (closed.code, closed.reason) == (1008, "too many open calls")
            assert await other.authorize("OTHER") == "Accepted"


async def test_a_back_end_with_too_many_commands_is_refused_and_the_session_lives() -> None:
    async with running() as (between, connected):
        held = connected.manners.held["ClearCache"] = asyncio.Event()
        connected.manners.answers["ClearCache"] = {"status": "Accepted"}
        for number in range(40):
            await between.a.send_raw("CP1", f'[2,"{number}","ClearCache",{{}}]')
        await until(lambda: between.relay.tally.notes("queue-full") == 7)  # one at the station, 32 wait
        held.set()
        await until(lambda: sum(raw.endswith(b'"Accepted"}]') for raw in answers_to_a(between)) >= 33)
        assert sum(raw.endswith(b'"Rejected"}]') for raw in answers_to_a(between)) == 7
        await lives(between, connected)


def answers_to_a(between: Pair) -> list[bytes]:
    return [raw for raw in between.a.raw("received") if raw.startswith(b"[3")]


async def test_a_station_that_floods_the_relay_does_not_keep_another_one_waiting() -> None:
    async with running() as (between, flooding):
        await between.relay.run(charger("cp2", [(backend("b", between.b.url), PRIMARY)]))
        async with station(between, identity="CP2") as other:
            await other.boot()
            garbage = "[" * 900 + "garbage" * 100

            async def flood() -> None:
                for _ in range(2000):
                    await flooding.send_raw(garbage)

            flooded = asyncio.get_running_loop().create_task(flood())
            heartbeats = 0
            while between.relay.tally.notes(MALFORMED) < 2000:
                await other.heartbeat()
                heartbeats += 1
            await flooded
            assert heartbeats > 10  # they took turns
            await lives(between, flooding)
            assert other.disconnects == flooding.disconnects == []
