"""Legs against websockets' own client and server."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from reconciler.adapters.websocket import WebSocketDialer
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import BRISK, Gate, Sink, Vault, dial_to

FRAMES = [
    b'[2,"1","Heartbeat",{}]',
    b' [ 2 , "1",\t"Heartbeat" ,{"a": 21.4560, "b":1E+2}]\n',
    '[2,"1","DataTransfer",{"vendorId":"Zürich ⚡","data":"\\u00e4"}]'.encode(),
    b"",
    b'[2,"1","DataTransfer",{"data":"' + b"x" * 300_000 + b'"}]',
    b"x" * 2**20,
]


async def test_a_real_station_gets_back_what_it_sent_byte_for_byte(listen: Opener) -> None:
    listener = await listen(Gate(echo=True))
    url, version = f"ws://127.0.0.1:{listener.port}/CP-1", Subprotocol("ocpp1.6")
    async with connect(url, subprotocols=[version], max_size=None) as station:
        for frame in FRAMES:
            await station.send(frame, text=True)
            assert await station.recv(decode=False) == frame
        await station.send(["[2,", '"1"', "]"])  # fragmented
        assert await station.recv() == '[2,"1"]'
        await (await station.ping())


async def test_a_real_csms_gets_back_what_it_sent_byte_for_byte() -> None:
    async def talk(csms: ServerConnection) -> None:
        try:
            for frame in FRAMES:
                await csms.send(frame, text=True)
                assert await csms.recv(decode=False) == frame
            await (await csms.ping())
        except BaseException as error:
            result.set_exception(error)
            raise
        result.set_result(None)

    result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = server.sockets[0].getsockname()[1]
        sink = Sink()
        leg = await WebSocketDialer(Vault(), BRISK).dial(dial_to(f"ws://127.0.0.1:{port}"), sink)
        sink.on_frame = leg.send
        async with asyncio.timeout(5):
            await result
        assert (await sink.closed())[0] == 1000


async def test_a_real_station_sees_a_clean_close_when_its_message_is_too_big(listen: Opener) -> None:
    gate = Gate()
    listener = await listen(gate)
    station = await connect(f"ws://127.0.0.1:{listener.port}/CP-1", subprotocols=[Subprotocol("ocpp1.6")])
    sink, _ = await gate.session()
    await station.send("x" * 5_000_000)
    with pytest.raises(ConnectionClosed):
        await station.recv()
    assert station.close_code == 1009
    assert (await sink.closed())[0] == 1009


async def test_a_real_csms_sees_a_clean_close_when_its_message_is_too_big() -> None:
    async def talk(csms: ServerConnection) -> None:
        try:
            await csms.send("x" * 5_000_000)
            await csms.wait_closed()
        finally:
            code.set_result(csms.close_code)

    code: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    async with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = server.sockets[0].getsockname()[1]
        sink = Sink()
        await WebSocketDialer(Vault(), BRISK).dial(dial_to(f"ws://127.0.0.1:{port}"), sink)
        async with asyncio.timeout(5):
            assert await code == 1009
        assert (await sink.closed())[0] == 1009
