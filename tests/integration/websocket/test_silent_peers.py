"""Peers that stop reading, stop answering or stop altogether: found in time, and paid for by nobody else."""

import asyncio

from websockets.frames import Opcode

from reconciler.app.legs import Admit
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.legs import csms_leg, station_leg
from tests.integration.websocket.support import Gate, limits, raw_station


async def test_a_peer_that_stops_reading_costs_no_more_than_the_limit(listen: Opener) -> None:
    bound = 256 * 1024
    async with station_leg(listen, limits=limits(max_unsent_bytes=bound)) as (sink, leg, _):
        most = 0
        for _ in range(4096):  # 64 MiB; the sockets' own buffers take the first few
            leg.send(b"x" * 16_384)
            most = max(most, leg.unsent_bytes)
            if sink.end.done():
                break
            await asyncio.sleep(0)
        code, reason = await sink.closed()
        assert (code, reason.startswith("the peer does not read: ")) == (1013, True)
        assert bound // 2 < most <= bound + 17_000


async def test_a_peer_that_pings_and_never_reads_is_cut_off_too(listen: Opener) -> None:
    async with station_leg(listen, limits=limits(max_unsent_bytes=64 * 1024)) as (sink, _, peer):
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        while not sink.end.done():
            for _ in range(500):
                peer.put(Opcode.PING, b"x" * 125)
            await asyncio.sleep(0)
            if peer.writer.is_closing():
                break
        assert (await sink.closed())[0] == 1013


async def test_a_frozen_peer_is_found_by_pings(listen: Opener) -> None:
    quick = limits(ping_interval_s=0.05, ping_timeout_s=0.05)
    async with station_leg(listen, limits=quick) as (sink, _, peer):
        assert (await peer.get()).opcode is Opcode.PING
        assert (await peer.close_frame()).code == 1011
        assert await sink.closed() == (1011, "silent for 0.05 s after a ping")


async def test_a_frozen_csms_is_found_by_pings() -> None:
    async with csms_leg(limits(ping_interval_s=0.05, ping_timeout_s=0.05)) as (sink, _, _peer):
        assert (await sink.closed())[0] == 1011


async def test_any_byte_counts_as_alive(listen: Opener) -> None:
    quick = limits(ping_interval_s=0.1, ping_timeout_s=0.1)
    async with station_leg(listen, limits=quick) as (sink, _, peer):
        message = b"[2,%s]" % (b"x" * 40)
        peer.writer.write(bytes([0x81, 0x80 | len(message)]) + bytes(4))
        for byte in message:  # one slow message, no pong
            await asyncio.sleep(0.02)
            peer.writer.write(bytes([byte]))
        assert await sink.frame() == message


async def test_a_peer_that_answers_pings_stays(listen: Opener) -> None:
    gate = Gate()
    listener = await listen(gate, limits=limits(ping_interval_s=0.02, ping_timeout_s=0.02))
    async with raw_station(listener.port) as peer:
        sink, _ = await gate.session()
        for _ in range(5):
            ping = await peer.get()
            assert ping.opcode is Opcode.PING
            peer.put(Opcode.PONG, bytes(ping.data))
        assert not sink.end.done()


async def test_pings_can_be_off_for_one_station(listen: Opener) -> None:
    gate = Gate(Admit("cp001", "ocpp1.6", 0))
    listener = await listen(gate, limits=limits(ping_interval_s=0.01, ping_timeout_s=0.01))
    async with raw_station(listener.port) as peer:
        sink, leg = await gate.session()
        await asyncio.sleep(0.1)
        leg.send(b"[first]")
        assert (await peer.get()).data == b"[first]"
        assert not sink.end.done()
