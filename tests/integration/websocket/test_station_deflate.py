"""Compression of station legs: negotiated leg by leg, bounded like everything else."""

import asyncio
import zlib

import pytest
from websockets.asyncio.client import connect
from websockets.frames import Opcode
from websockets.typing import Subprotocol

from reconciler.app.legs import Admit
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import REQUEST, Gate, raw_station

OFFER = REQUEST.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")


@pytest.mark.parametrize(
    ("version", "allowed", "offered", "agreed"),
    [
        ("ocpp2.0.1", True, True, True),
        ("ocpp2.1", True, True, True),
        ("ocpp2.1", True, False, False),
        ("ocpp2.1", False, True, False),
        ("ocpp1.6", True, True, False),
    ],
)
async def test_deflate_needs_2x_the_relays_leave_and_the_stations_offer(
    listen: Opener, version: str, allowed: bool, offered: bool, agreed: bool
) -> None:
    gate = Gate(Admit("cp001", version, None, compression=allowed), echo=True)
    listener = await listen(gate)
    async with connect(
        f"ws://127.0.0.1:{listener.port}/CP-1",
        subprotocols=[Subprotocol(version)],
        compression="deflate" if offered else None,
    ) as station:
        assert bool(station.protocol.extensions) is agreed
        for frame in ('[2,"1","Heartbeat",{}]', "[" + "abc" * 50_000 + "]", ""):
            await station.send(frame)
            assert await station.recv() == frame


async def test_an_offer_that_can_not_be_read_is_not_taken(listen: Opener) -> None:
    listener = await listen(Gate(Admit("cp001", "ocpp2.1", None, compression=True)))
    request = OFFER.replace(b"permessage-deflate", b";;=").replace(b"ocpp1.6", b"ocpp2.1")
    async with raw_station(listener.port, request):
        pass


@pytest.mark.parametrize("fragments", [1, 3])
async def test_a_decompression_bomb_ends_the_leg_with_1009(listen: Opener, fragments: int) -> None:
    gate = Gate(Admit("cp001", "ocpp2.1", None, compression=True))
    listener = await listen(gate)
    compressor = zlib.compressobj(wbits=-15)
    bomb = compressor.compress(bytes(100_000_000)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 2**20
    size = -(-len(bomb) // fragments)
    async with raw_station(listener.port, OFFER.replace(b"ocpp1.6", b"ocpp2.1")) as peer:
        sink, _ = await gate.session()
        for at in range(0, len(bomb), size):
            opcode = Opcode.CONT if at else Opcode.TEXT
            frame = bytearray(peer.frame(opcode, bomb[at : at + size], fin=at + size >= len(bomb)))
            if not at:
                frame[0] |= 0x40  # RSV1: compressed
            peer.writer.write(frame)
        async with asyncio.timeout(5):
            assert (await peer.close_frame()).code == 1009
        peer.reset()
        assert (await sink.closed())[0] == 1009
        assert sink.frames.empty()
