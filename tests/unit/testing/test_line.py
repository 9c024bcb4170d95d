"""A station's connection, and the account it keeps of losing it."""

import asyncio
import socket

import pytest

from reconciler.testing import HandshakeRefused, SimulatedCsms, SimulatedStation
from reconciler.testing.recording import Closed


async def test_leaving_is_asked_for_and_being_closed_is_not(csms: SimulatedCsms) -> None:
    station = SimulatedStation("A", csms.url)
    await station.connect()
    await station.disconnect(1000, "bye")
    await station.connect()
    await csms.wait_connected("A")
    await csms.drop("A", 1012, "restart")
    await station.wait_disconnected(count=2)
    assert station.disconnects == [Closed(1000, "bye", asked_for=True), Closed(1012, "restart")]
    assert station.unexpected_disconnects == [Closed(1012, "restart")]
    assert not station.connected
    assert [c.closed for c in csms.connections] == [Closed(1000, "bye"), Closed(1012, "restart", asked_for=True)]


async def test_a_cut_is_seen_as_1006_at_both_ends(csms: SimulatedCsms) -> None:
    station = SimulatedStation("A", csms.url)
    await station.connect()
    await csms.wait_connected("A")
    csms.cut("A")
    assert await station.wait_disconnected() == Closed(1006, "")
    await station.connect()
    await csms.wait_connected("A")
    station.vanish()
    await csms.wait_disconnected("A")
    await csms.until(lambda: csms.connections[1].closed is not None)
    assert csms.connections[1].closed == Closed(1006, "")
    await station.wait_disconnected(count=2)


async def test_it_dials_again_until_somebody_answers(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, reconnect_after_s=0.01) as station:
        await csms.stop()
        await station.wait_disconnected()
        await station.journal.bell.until(lambda: len(station.failed_dials) >= 2, 5)
        await csms.start()
        await station.wait_connected()
        await station.heartbeat()
    assert [closed.code for closed in station.disconnects] == [1001, 1000]


async def test_leaving_while_dialling_ends_the_dialling(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, reconnect_after_s=0.01) as station:
        await csms.stop()
        await station.journal.bell.until(lambda: bool(station.failed_dials), 5)
    assert not station.connected
    assert len(station.disconnects) == 1


async def test_leaving_twice_is_harmless_and_connecting_twice_is_refused(csms: SimulatedCsms) -> None:
    station = SimulatedStation("A", csms.url)
    await station.connect()
    with pytest.raises(RuntimeError, match=r"disconnect it first"):
        await station.connect()
    await station.disconnect()
    await station.disconnect()
    assert len(station.disconnects) == 1


async def test_a_call_fails_when_the_connection_goes(csms: SimulatedCsms) -> None:
    csms.manners.never_answer.add("Heartbeat")
    async with SimulatedStation("A", csms.url) as station:
        async with asyncio.TaskGroup() as group:
            calling = group.create_task(fails_with_connection_error(station))
            await csms.wait_for("Heartbeat")
            await csms.drop("A", 1011)
        assert calling.result() == "A: closed with 1011 before the answer came"


async def fails_with_connection_error(station: SimulatedStation) -> str:
    with pytest.raises(ConnectionError) as failed:
        await station.heartbeat()
    return str(failed.value)


async def test_the_password_is_sent_as_bytes(csms: SimulatedCsms) -> None:
    csms.password = {"A": b"\x00\xff:\x01", "B": "text"}
    async with (
        SimulatedStation("A", csms.url, password=b"\x00\xff:\x01"),
        SimulatedStation("B", csms.url, password="text"),
    ):
        await csms.wait_connected("A")
        await csms.wait_connected("B")
    with pytest.raises(HandshakeRefused) as refused:
        await SimulatedStation("A", csms.url, password="wrong").connect()
    assert refused.value.status == 401


async def test_a_station_that_offers_no_version_speaks_its_first(csms: SimulatedCsms) -> None:
    async with SimulatedStation("A", csms.url, "ocpp1.6", offer_versions=False) as station:
        await station.boot()
    assert csms.connections[0].offered == ()
    assert csms.connections[0].subprotocol is None


async def test_the_first_common_version_is_spoken() -> None:
    async with (
        SimulatedCsms(versions=("ocpp1.6", "ocpp2.0.1")) as csms,
        SimulatedStation("A", csms.url, ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]) as station,
    ):
        assert station.dialect.version == "2.0.1"
        await station.boot()
    assert csms.connections[0].offered == ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")


async def test_without_a_common_version_the_station_leaves() -> None:
    async with SimulatedCsms(versions="ocpp1.6") as csms:
        with pytest.raises(HandshakeRefused, match=r"A: none of ocpp2.1 was accepted"):
            await SimulatedStation("A", csms.url, "ocpp2.1").connect()
        csms.manners.refuse_unknown_versions = True
        with pytest.raises(HandshakeRefused, match=r"HTTP 400"):
            await SimulatedStation("A", csms.url, "ocpp2.1").connect()
        await csms.until(lambda: csms.connections[0].closed is not None)
    assert [c.status for c in csms.connections] == [101, 400]


async def test_nobody_there_is_an_oserror() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=r"Connect call failed"):
            await SimulatedStation("A", f"ws://127.0.0.1:{bound.getsockname()[1]}").connect()
