"""Two back-ends that both may command, and number their calls alike: no answer reaches the wrong one (R3, R4)."""

import asyncio
from typing import Any

from reconciler.model.desired import Role, VendorMessage
from reconciler.testing import CallFailed, SimulatedCsms
from reconciler.testing.recording import RecordedCall
from tests.integration.relay.support import booted, pair, until
from tests.support.relay import PRIMARY

VENDOR_B = Role("vendor-b", frozenset(), vendor_messages=(VendorMessage("b"),))
COMMANDS = 40


def echo(call: RecordedCall) -> dict[str, Any]:
    """Answer a DataTransfer with what it said."""
    return {"status": "Accepted", "data": f"{call.payload['vendorId']} {call.payload['data']}"}


async def commands(csms: SimulatedCsms) -> list[str]:
    """Give one command after another and return the answers' data."""
    return [
        (await csms.call("CP1", "DataTransfer", {"vendorId": csms.name, "data": str(number)}))["data"]
        for number in range(COMMANDS)
    ]


async def test_two_back_ends_that_number_their_calls_alike_command_at_once_and_each_gets_its_own_answers() -> None:
    async with pair(roles=(PRIMARY, VENDOR_B)) as between:
        between.a.manners.counting_message_ids = between.b.manners.counting_message_ids = True
        async with booted(between) as station:
            station.manners.answers["DataTransfer"] = echo
            answers = await asyncio.gather(commands(between.a), commands(between.b))
            assert answers == [[f"{name} {number}" for number in range(COMMANDS)] for name in "ab"]
            assert len(station.commands) == 2 * COMMANDS
            assert {call.message_id for call in station.commands} & {"1", "2", "3"} == set()
            between.clean(station)  # among it: never two commands at once (R3)


async def test_commands_of_an_owner_overtake_those_of_others_and_keep_their_own_order() -> None:
    reader = Role("reader", frozenset(), may_read=True)
    async with pair(roles=(PRIMARY, reader)) as between, booted(between) as station:
        held = station.manners.held["ClearCache"] = asyncio.Event()
        await between.a.send_raw("CP1", '[2,"first","ClearCache",{}]')
        await station.wait_for("ClearCache")
        before = between.frames(between.a) + between.frames(between.b)
        await between.b.send_raw("CP1", '[2,"1","GetConfiguration",{"key":["HeartbeatInterval"]}]')
        await until(lambda: between.frames(between.a) + between.frames(between.b) == before + 1)
        for number in (1, 2):
            await between.a.send_raw("CP1", f'[2,"{number}","GetLocalListVersion",{{}}]')
        await until(lambda: between.frames(between.a) + between.frames(between.b) == before + 3)
        held.set()
        await station.wait_for("GetConfiguration")
        order = [call.action for call in station.commands]
        assert order == ["ClearCache", "GetLocalListVersion", "GetLocalListVersion", "GetConfiguration"]
        between.clean(station)


async def test_a_station_that_answers_a_command_with_an_error_does_not_hold_up_the_next_back_end() -> None:
    async with pair(roles=(PRIMARY, VENDOR_B)) as between, booted(between) as station:

        def refuse_a(call: RecordedCall) -> dict[str, Any] | CallFailed:
            return CallFailed("InternalError", "broken") if call.payload["vendorId"] == "a" else echo(call)

        station.manners.answers["DataTransfer"] = refuse_a
        a, b = await asyncio.gather(commands(between.a), commands(between.b), return_exceptions=True)
        assert isinstance(a, CallFailed)
        assert (a.code, a.description) == ("InternalError", "broken")
        assert b == [f"b {number}" for number in range(COMMANDS)]
