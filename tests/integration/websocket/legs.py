"""Opens a leg of either kind with raw bytes at its other end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from reconciler.adapters.websocket import WebSocketDialer
from reconciler.app.legs import Leg
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import (
    BRISK,
    Gate,
    RawPeer,
    Sink,
    Vault,
    accepting,
    dial_to,
    raw_csms,
    raw_station,
)


@asynccontextmanager
async def station_leg(listen: Opener, **options: Any) -> AsyncIterator[tuple[Sink, Leg, RawPeer]]:
    """Open a station leg with raw bytes at its other end."""
    gate = Gate()
    listener = await listen(gate, **options)
    async with raw_station(listener.port) as peer:
        sink, leg = await gate.session()
        yield sink, leg, peer


@asynccontextmanager
async def csms_leg(using: Any = BRISK) -> AsyncIterator[tuple[Sink, Leg, RawPeer]]:
    """Open a CSMS leg with raw bytes at its other end."""
    peers: asyncio.Queue[RawPeer] = asyncio.Queue()

    async def accept(peer: RawPeer, head: bytes) -> None:
        peer.writer.write(accepting(head))
        peers.put_nowait(peer)

    async with raw_csms(accept) as port:
        sink = Sink()
        leg = await WebSocketDialer(Vault(), using).dial(dial_to(f"ws://127.0.0.1:{port}"), sink)
        peer = await peers.get()
        try:
            yield sink, leg, peer
        finally:
            peer.reset()
            await sink.closed()
