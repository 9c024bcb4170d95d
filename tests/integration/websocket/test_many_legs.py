"""A thousand legs: no task each, little memory each, and nothing left of them when they are gone."""

import asyncio
import gc
import resource
import socket
import tracemalloc
from collections.abc import Iterator

import pytest
from websockets.client import ClientProtocol
from websockets.server import ServerProtocol

from reconciler.adapters.websocket import WebSocketDialer, WebSocketLeg
from reconciler.adapters.websocket.dialer import CsmsHandshake
from reconciler.adapters.websocket.handshake import StationHandshake
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import REQUEST, Gate, Sink, Vault, dial_to, limits

KINDS = (WebSocketLeg, StationHandshake, CsmsHandshake, ServerProtocol, ClientProtocol)


@pytest.fixture(autouse=True)
def enough_file_descriptors() -> Iterator[None]:
    """Allow this process 4,096 sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def left_over() -> list[object]:
    """Return what legs are made of, wherever it is held."""
    return [thing for thing in gc.get_objects() if isinstance(thing, KINDS)]


@pytest.mark.slow
async def test_a_thousand_legs_open_and_close_without_a_trace(listen: Opener) -> None:
    gate = Gate(echo=True)
    timed = limits(ping_interval_s=30, handshake_timeout_s=10, close_timeout_s=5)
    listener = await listen(gate, limits=timed)
    dialer = WebSocketDialer(Vault(), timed)
    tasks_before = len(asyncio.all_tasks())
    gc.collect()
    before = left_over()  # by tests of the same process
    gc.disable()  # reference counts alone must do
    try:
        sinks = [Sink() for _ in range(1000)]
        legs = []
        for at in range(0, 1000, 50):
            url = f"ws://127.0.0.1:{listener.port}"
            legs += await asyncio.gather(*(dialer.dial(dial_to(url), sink) for sink in sinks[at : at + 50]))
        assert listener.connections == 1000
        assert len(asyncio.all_tasks()) == tasks_before
        for leg in legs:
            leg.send(b'[2,"1","Heartbeat",{}]')
        for sink in sinks:
            assert await sink.frame() == b'[2,"1","Heartbeat",{}]'
        for leg in legs:
            leg.close(1000, "")
        ends = [await sink.closed() for sink in sinks]
        assert ends == [(1000, "")] * 1000
        del leg, legs, sink, sinks
        while not gate.admitted.empty():
            station, _ = await gate.session()
            assert (await station.closed())[0] == 1000
            station.leg = station.on_frame = None
        del station, _
        await asyncio.sleep(0)  # the loop lets go of its last callbacks
        assert listener.connections == 0
        assert len(asyncio.all_tasks()) == tasks_before
        assert [thing for thing in left_over() if not any(thing is one for one in before)] == []
    finally:
        gc.enable()


async def test_an_idle_station_leg_takes_less_than_15_kib(listen: Opener) -> None:
    count = 200
    gate = Gate()
    listener = await listen(gate, limits=limits(ping_interval_s=60))
    sockets: list[socket.socket] = []

    async def connect() -> None:
        station = socket.create_connection(("127.0.0.1", listener.port))
        sockets.append(station)
        station.sendall(REQUEST)
        await gate.session()

    try:
        await connect()
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            await connect()
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / count
        assert each < 15 * 1024
    finally:
        tracemalloc.stop()
        for station in sockets:
            station.close()
