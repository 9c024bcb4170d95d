"""A station that leaves and comes back at once, again and again: each new session works, and nothing stays behind."""

import asyncio
import gc

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from reconciler.app.station_session import StationSession
from reconciler.testing import SimulatedStation
from tests.integration.relay.support import Pair, booted, pair, until

AWAY_S = 0.1
TIMES = 50


def live_sessions() -> int:
    """Return how many sessions of this process are still in memory."""
    gc.collect()
    return sum(isinstance(thing, StationSession) for thing in gc.get_objects())


async def works(between: Pair, station: SimulatedStation, number: int) -> None:
    """Show that the owner answers, that the observer follows and that a command comes through."""
    assert await station.authorize(f"TAG-{number}") == "Accepted"
    await between.a.wait_for("Authorize", count=number)
    await between.b.wait_for("Authorize", count=number)
    assert await between.a.call("CP1", "ClearCache", {}) == {"status": "Accepted"}


async def test_a_station_that_comes_back_100_ms_after_it_left_50_times_works_each_time() -> None:
    async with pair() as between, booted(between) as station:
        station.manners.answers["ClearCache"] = {"status": "Accepted"}
        await works(between, station, 1)
        for number in range(TIMES):
            if number % 2:
                station.vanish()
                await station.wait_disconnected(number + 1)
            await station.disconnect()
            await asyncio.sleep(AWAY_S)
            await station.connect()
            await works(between, station, number + 2)
        between.clean(station)
        await only_one_connection_is_left(between)
        assert between.relay.live("cp1").connections == TIMES + 1
    await until(lambda: live_sessions() == 0, what="the sessions to be forgotten")


async def only_one_connection_is_left(between: Pair) -> None:
    """Neither CSMS holds more than the newest connection; all earlier ones were closed properly."""
    for csms in (between.a, between.b):
        assert list(csms.stations) == ["CP1"]
        *closed, newest = csms.connections
        assert newest.closed is None
        assert {connection.closed.code if connection.closed else None for connection in closed} == {1001}
        assert len(closed) == TIMES


async def test_a_station_that_comes_back_before_its_old_connection_is_noticed_as_gone_works_at_once() -> None:
    """The newest authenticated connection wins (R12), and the old one's end harms nothing."""
    async with pair() as between, booted(between) as old:
        for number in range(10):
            newer = SimulatedStation("CP1", between.relay.url)
            await newer.connect()
            closed = await old.wait_disconnected()
            assert (closed.code, closed.reason) == (1008, "replaced by a newer connection")
            assert await newer.authorize(f"TAG-{number}") == "Accepted"
            await between.b.wait_for("Authorize", count=number + 1)
            assert between.relay.live("cp1").connected
            old = newer
        assert between.a.violations == between.b.violations == []
        assert list(between.a.stations) == list(between.b.stations) == ["CP1"]
        await old.disconnect()
        await between.a.wait_disconnected("CP1")
        await between.b.wait_disconnected("CP1")
        assert not between.relay.live("cp1").connected


async def test_all_legs_close_when_the_station_leaves() -> None:
    async with pair() as between, booted(between) as station:
        await station.disconnect()
        await between.a.wait_disconnected("CP1")
        await between.b.wait_disconnected("CP1")
        await until(lambda: not between.relay.live("cp1").connected)
        assert between.relay.live("cp1").legs == ()


async def test_a_station_that_leaves_while_a_call_is_open_is_not_answered_on_its_next_connection() -> None:
    async with pair() as between, booted(between) as station:
        held = between.a.manners.held["Authorize"] = asyncio.Event()
        await station.send_raw('[2,"left","Authorize",{"idTag":"T"}]')
        await between.a.wait_for("Authorize")
        await station.disconnect()
        await station.connect()
        held.set()
        assert await station.authorize("OTHER") == "Accepted"
        between.clean(station)
        assert not [raw for raw in station.raw("received") if b'"left"' in raw]


async def test_a_station_that_dials_and_leaves_during_the_dialling_of_its_legs_leaves_nothing_behind() -> None:
    async with pair() as between:
        held = between.a.manners.handshake_held = asyncio.Event()
        for number in range(5):
            socket = await connect(
                f"{between.relay.url}/CP1", subprotocols=[Subprotocol("ocpp1.6")], proxy=None, compression=None
            )
            await between.a.until(lambda number=number: len(between.a.connections) > number)
            await socket.close()
        held.set()
        await until(lambda: not between.relay.live("cp1").connected)
        await between.b.until(lambda: not between.b.stations)
        between.a.manners.handshake_held = None
        async with booted(between) as station:
            assert list(between.a.stations) == list(between.b.stations) == ["CP1"]
            between.clean(station)  # among it: no second connection while one was open
