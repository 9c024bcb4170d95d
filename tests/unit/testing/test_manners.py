"""Each bad manner does what it says, and can be changed while the end runs."""

import asyncio
import json
from typing import Any

import pytest

from reconciler.testing import CallFailed, CsmsManners, HandshakeRefused, Manners, SimulatedCsms, SimulatedStation
from reconciler.testing.manners import Answer
from reconciler.testing.recording import Closed, RecordedCall


async def test_a_held_answer_comes_when_it_is_released(csms: SimulatedCsms) -> None:
    held = csms.manners.held["Heartbeat"] = asyncio.Event()
    async with SimulatedStation("A", csms.url) as station, asyncio.TaskGroup() as group:
        beating = group.create_task(station.heartbeat())
        call = await csms.wait_for("Heartbeat")
        assert call.answer is None
        assert not beating.done()
        held.set()
    assert call.answered == {"currentTime": beating.result()}


async def test_a_delay_delays_one_action(csms: SimulatedCsms) -> None:
    csms.manners.delay_s["Authorize"] = 0.05
    loop = asyncio.get_running_loop()
    async with SimulatedStation("A", csms.url) as station:
        await station.heartbeat()
        began = loop.time()
        await station.authorize("T")
        assert loop.time() - began >= 0.05


async def test_never_and_silence_are_answers_too(csms: SimulatedCsms) -> None:
    csms.manners.never_answer.add("Heartbeat")
    async with SimulatedStation("A", csms.url, call_timeout_s=0.03) as station:
        with pytest.raises(TimeoutError):
            await station.heartbeat()
        assert await station.authorize("T") == "Accepted"
        csms.manners.silent = True
        with pytest.raises(TimeoutError):
            await station.authorize("T")
    assert [call.answer is None for call in csms.calls] == [True, False, True]
    assert csms.violations == []


async def test_a_closing_end_drops_the_answers_it_holds(csms: SimulatedCsms) -> None:
    csms.manners.held["Heartbeat"] = asyncio.Event()
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw('[2,"1","Heartbeat",{}]')
        await csms.wait_for("Heartbeat")
    assert csms.calls[0].answer is None


def second_time_lucky(call: RecordedCall) -> Answer | None:
    return CallFailed("GenericError", "try again") if call.message_id == "first" else None


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ({"idTagInfo": {"status": "Expired"}}, b'[3,"first",{"idTagInfo":{"status":"Expired"}}]'),
        (CallFailed("GenericError", "no", {"a": 1}), b'[4,"first","GenericError","no",{"a":1}]'),
        (b"garbage", b"garbage"),
        (second_time_lucky, b'[4,"first","GenericError","try again",{}]'),
    ],
)
async def test_answers_can_be_scripted(csms: SimulatedCsms, script: Any, answer: bytes) -> None:
    csms.manners.answers["Authorize"] = script
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw('[2,"first","Authorize",{"idTag":"T"}]')
        assert await station.expect_raw() == answer


async def test_a_script_can_leave_the_answer_to_the_end_itself(csms: SimulatedCsms) -> None:
    csms.manners.answers["Authorize"] = second_time_lucky
    async with SimulatedStation("A", csms.url) as station:
        assert await station.authorize("T") == "Accepted"


async def test_what_a_script_raises_is_raised_by_stop() -> None:
    def broken(call: RecordedCall) -> Answer | None:
        raise LookupError(call.action)

    csms = SimulatedCsms(manners=CsmsManners(answers={"Heartbeat": broken}))
    await csms.start()
    async with SimulatedStation("A", csms.url) as station:
        with pytest.raises(ConnectionError, match=r"closed with 1011"):
            await station.heartbeat()
    with pytest.raises(ExceptionGroup) as raised:
        await csms.stop()
    assert raised.group_contains(LookupError, match="Heartbeat")
    await csms.stop()


async def test_a_station_has_manners_too(csms: SimulatedCsms) -> None:
    manners = Manners(answers={"Reset": {"status": "Rejected"}}, never_answer={"ClearCache"})
    async with SimulatedStation("A", csms.url, manners=manners):
        await csms.wait_connected("A")
        assert await csms.call("A", "Reset", {"type": "Hard"}) == {"status": "Rejected"}
        with pytest.raises(TimeoutError):
            await csms.call("A", "ClearCache", {}, timeout_s=0.02)


async def test_nothing_is_answered_before_an_accepted_boot() -> None:
    manners = CsmsManners(require_boot_first=True)
    async with SimulatedCsms(manners=manners, boot_status="Pending") as csms:
        async with SimulatedStation("A", csms.url) as station:
            with pytest.raises(CallFailed, match=r"SecurityError: Heartbeat before an accepted BootNotification"):
                await station.heartbeat()
            assert (await station.boot())["status"] == "Pending"
            with pytest.raises(CallFailed, match=r"SecurityError"):
                await station.heartbeat()
            csms.books.boot_status = "Accepted"
            await station.boot()
            await station.heartbeat()
        async with SimulatedStation("A", csms.url) as station:
            with pytest.raises(CallFailed, match=r"SecurityError"):
                await station.heartbeat()
    assert len(csms.violations) == 3


async def test_a_repeated_message_id_is_a_violation_over_all_connections(csms: SimulatedCsms) -> None:
    for _ in range(2):
        async with SimulatedStation("A", csms.url) as station:
            await station.call("Heartbeat", {}, message_id="once")
    async with SimulatedStation("B", csms.url) as station:
        await station.call("Heartbeat", {}, message_id="once")
    assert [(v.rule, v.identity) for v in csms.violations] == [('message id "once" again', "A")]
    csms.manners.unique_message_ids = False
    async with SimulatedStation("A", csms.url) as station:
        await station.call("Heartbeat", {}, message_id="once")
    assert len(csms.violations) == 1


async def test_a_strict_end_closes_at_the_first_violation(csms: SimulatedCsms) -> None:
    csms.manners.close_on_violation = True
    async with SimulatedStation("A", csms.url) as station:
        await station.send_raw("garbage")
        assert await station.wait_disconnected() == Closed(1002, "not JSON")


async def test_handshakes_can_be_refused_held_or_regretted(csms: SimulatedCsms) -> None:
    station = SimulatedStation("A", csms.url)
    csms.manners.refuse_status = 503
    with pytest.raises(HandshakeRefused) as refused:
        await station.connect()
    assert refused.value.status == 503
    csms.manners.refuse_status = None

    csms.manners.close_on_connect = (1011, "unknown charging station")
    await station.connect()
    assert await station.wait_disconnected() == Closed(1011, "unknown charging station")
    csms.manners.close_on_connect = None

    held = csms.manners.handshake_held = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        connecting = group.create_task(station.connect())
        await csms.until(lambda: len(csms.connections) == 3)
        assert not connecting.done()
        held.set()
    await station.disconnect()
    await csms.until(lambda: csms.connections[2].closed is not None)
    assert [c.status for c in csms.connections] == [503, 101, 101]


async def test_stopping_lets_held_handshakes_go() -> None:
    async with SimulatedCsms(manners=CsmsManners(handshake_held=asyncio.Event())) as csms:
        async with asyncio.TaskGroup() as group:
            connecting = group.create_task(refused_status(SimulatedStation("A", csms.url)))
            await csms.until(lambda: bool(csms.connections))
            await csms.stop()
        assert connecting.result() == 503


async def refused_status(station: SimulatedStation) -> int | None:
    with pytest.raises(HandshakeRefused) as refused:
        await station.connect()
    return refused.value.status


async def test_own_calls_can_be_numbered_from_one_on_each_connection(csms: SimulatedCsms) -> None:
    csms.manners.counting_message_ids = True
    for _ in range(2):
        async with SimulatedStation("A", csms.url) as station:
            await csms.wait_connected("A")
            for _ in range(2):
                await csms.call("A", "ClearCache", {})
            assert [call.message_id for call in station.commands] == ["1", "2"]
        await csms.wait_disconnected("A")


async def test_half_duplex_holds_answers_back_while_a_call_is_out(csms: SimulatedCsms) -> None:
    csms.manners.half_duplex = True
    held = asyncio.Event()
    async with SimulatedStation("A", csms.url, manners=Manners(held={"ClearCache": held})) as station:
        await csms.wait_connected("A")
        async with asyncio.TaskGroup() as group:
            group.create_task(csms.call("A", "ClearCache", {}))
            await station.wait_for("ClearCache")
            beating = group.create_task(station.heartbeat())
            await csms.wait_for("Heartbeat")
            assert not beating.done()
            held.set()
    sent = [json.loads(raw)[0] for raw in csms.raw("sent")]
    assert sent == [2, 3]
    assert [f.direction for f in csms.journal.frames] == ["sent", "received", "received", "sent"]
    assert csms.violations == []
