"""The least that forwards OCPP with `websockets`' asyncio API: what a user would write in an afternoon.

python -m bench.passthrough PORT CSMS_PORT
"""

import asyncio
import gc
import sys

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

OCPP = [Subprotocol("ocpp1.6")]


async def pump(source: ServerConnection | ClientConnection, sink: ServerConnection | ClientConnection) -> None:
    """Carry frames one way until either end is gone."""
    try:
        while True:
            await sink.send(await source.recv(decode=False), text=True)
    except ConnectionClosed:
        await sink.close()


async def run(port: int, csms_port: int) -> None:
    """Forward every station that connects to the same path at the CSMS."""

    async def forward(station: ServerConnection) -> None:
        path = station.request.path if station.request is not None else "/"
        async with connect(
            f"ws://127.0.0.1:{csms_port}{path}", subprotocols=OCPP, compression=None, ping_interval=None, max_size=2**18
        ) as csms:
            await asyncio.gather(pump(station, csms), pump(csms, station))

    async with serve(
        forward, "127.0.0.1", port, subprotocols=OCPP, compression=None, ping_interval=None, max_size=2**18
    ):
        gc.freeze()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(int(sys.argv[1]), int(sys.argv[2])))
