"""An open leg, seen from the other end of its socket: frames, limits, pings and every way to end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.typing import Subprotocol

from reconciler.adapters.websocket import WebSocketDialer
from reconciler.app.legs import Admit, Leg
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import (
    BRISK,
    Gate,
    RawPeer,
    Sink,
    Vault,
    accepting,
    dial_to,
    limits,
    raw_csms,
    raw_station,
)

FRAMES = [
    b'[2,"1","Heartbeat",{}]',
    b' [ 2 , "1",\t"Heartbeat" ,{"a": 21.4560, "b":1E+2}]\n',
    '[2,"1","DataTransfer",{"vendorId":"Zürich ⚡","data":"\\u00e4"}]'.encode(),
    b"",
    b'[2,"1","DataTransfer",{"data":"' + b"x" * 300_000 + b'"}]',
    b"x" * 2**20,
]


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


@pytest.mark.parametrize("side", ["station", "csms"])
class TestBothEnds:
    """What holds for a station leg and for a CSMS leg alike."""

    @pytest.fixture
    async def ends(self, side: str, listen: Opener) -> AsyncIterator[tuple[Sink, Leg, RawPeer]]:
        async with station_leg(listen) if side == "station" else csms_leg() as ends:
            yield ends

    async def test_fragments_arrive_as_one_message(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        text = "[2,⚡]".encode()
        peer.put(Opcode.TEXT, text[:4], fin=False)  # splits a character
        peer.put(Opcode.PING, b"between")
        peer.put(Opcode.CONT, b"", fin=False)
        peer.put(Opcode.CONT, text[4:])
        peer.put(Opcode.TEXT, b"[3]")
        assert await sink.frame() == text
        assert await sink.frame() == b"[3]"

    async def test_bytes_arrive_in_any_pieces(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        for byte in b"".join(peer.frame(Opcode.TEXT, b"[%d]" % n) for n in range(3)):
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
        assert [await sink.frame() for _ in range(3)] == [b"[0]", b"[1]", b"[2]"]

    async def test_a_ping_is_answered_with_its_payload(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        _, _, peer = ends
        peer.put(Opcode.PING, b"are you there")
        pong = await peer.get()
        assert (pong.opcode, pong.data) == (Opcode.PONG, b"are you there")

    async def test_text_that_is_not_utf8_ends_the_leg_with_1007(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        peer.put(Opcode.TEXT, b'["\xff"]')
        peer.put(Opcode.TEXT, b"[not heard]")
        assert (await peer.close_frame()).code == 1007
        peer.reset()
        assert await sink.closed() == (1007, "text that is not UTF-8 at byte 2")
        assert sink.frames.empty()

    async def test_a_binary_message_ends_the_leg_with_1003(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        peer.put(Opcode.BINARY, b"[2]")
        assert (await peer.close_frame()).code == 1003
        peer.reset()
        assert (await sink.closed())[0] == 1003

    @pytest.mark.parametrize(
        "wrong",
        [
            b"\xc1\x80\x00\x00\x00\x00",  # a compressed frame, without negotiation
            b"\x83\x80\x00\x00\x00\x00",  # reserved opcode
            b"\x09\x80\x00\x00\x00\x00",  # fragmented ping
            b"\x80\x80\x00\x00\x00\x00",  # continuation of nothing
        ],
    )
    async def test_a_broken_frame_ends_the_leg_with_1002(
        self, ends: tuple[Sink, Leg, RawPeer], side: str, wrong: bytes
    ) -> None:
        sink, _, peer = ends
        peer.writer.write(wrong if side == "station" else wrong[:1] + b"\0")
        assert (await peer.close_frame()).code == 1002
        peer.reset()
        assert (await sink.closed())[0] == 1002

    async def test_the_wrong_masking_ends_the_leg_with_1002(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        peer.masks = not peer.masks
        peer.put(Opcode.TEXT, b"[2]")
        peer.masks = not peer.masks
        assert (await peer.close_frame()).code == 1002
        peer.reset()
        assert await sink.closed() == (1002, "incorrect masking")

    async def test_fragments_beyond_the_size_limit_end_the_leg_with_1009(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        peer.put(Opcode.TEXT, b"x" * 2**19, fin=False)
        peer.put(Opcode.CONT, b"x" * 2**19, fin=False)
        peer.put(Opcode.CONT, b"x", fin=False)
        assert (await peer.close_frame()).code == 1009
        peer.reset()
        assert (await sink.closed())[0] == 1009

    async def test_a_reset_is_told_as_1006(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, leg, peer = ends
        sock = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.reset()
        code, reason = await sink.closed()
        assert code == 1006
        assert "reset" in reason
        leg.send(b"[2]")
        leg.close(1000, "")
        assert leg.unsent_bytes == 0

    async def test_an_end_without_a_closing_handshake_is_told_as_1006(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        peer.put(Opcode.TEXT, b"[2]")
        peer.writer.write(b"\x81")  # the beginning of a frame
        peer.writer.write_eof()
        assert await sink.frame() == b"[2]"
        assert await sink.closed() == (1006, "connection ended without a closing handshake")

    async def test_the_peers_close_is_answered_and_told(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, leg, peer = ends
        peer.put(Opcode.TEXT, b"[last]")
        peer.put(Opcode.CLOSE, (1012).to_bytes(2) + b"restarting")
        close = await peer.close_frame()
        leg.send(b"[2]")
        peer.writer.write_eof()
        assert (close.code, close.reason) == (1012, "restarting")
        assert await sink.closed() == (1012, "restarting")
        assert await sink.frame() == b"[last]"

    async def test_our_close_is_sent_once_and_told(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, leg, peer = ends
        leg.send(b"[1]")
        leg.close(1001, "moving")
        leg.close(1011, "again")
        leg.send(b"[2]")
        assert (await peer.get()).data == b"[1]"
        close = await peer.close_frame()
        assert (close.code, close.reason) == (1001, "moving")
        peer.put(Opcode.TEXT, b"[not heard]")
        peer.put(Opcode.CLOSE, (1001).to_bytes(2))
        peer.writer.write_eof()
        assert await peer.rest() == b""
        assert await sink.closed() == (1001, "moving")
        assert sink.frames.empty()

    async def test_a_peer_that_does_not_answer_our_close_is_cut_off(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, leg, _ = ends
        leg.close(1000, "")
        assert await sink.closed() == (1000, "")

    async def test_codes_and_reasons_that_may_not_be_sent_are_made_fit(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, leg, peer = ends
        reason = "ä" * 100
        leg.close(1006, reason)
        close = await peer.close_frame()
        assert (close.code, close.reason) == (1011, "ä" * 61)
        assert await sink.closed() == (1006, reason)

    async def test_a_fault_of_the_session_ends_only_its_leg(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends

        def fail(frame: bytes) -> None:
            raise RuntimeError("broken")

        sink.on_frame = fail
        peer.put(Opcode.TEXT, b"[1]")
        peer.put(Opcode.TEXT, b"[2]")
        close = await peer.close_frame()
        assert (close.code, close.reason) == (1011, "internal error")
        peer.reset()
        assert await sink.closed() == (1011, "internal error")
        assert sink.frames.qsize() == 1

    async def test_a_session_may_close_while_it_hears_a_frame(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, leg, peer = ends
        sink.on_frame = lambda frame: leg.close(4000, "enough")
        for n in range(3):
            peer.put(Opcode.TEXT, b"[%d]" % n)
        assert (await peer.close_frame()).code == 4000
        peer.reset()
        assert await sink.closed() == (4000, "enough")
        assert sink.frames.qsize() == 1

    async def test_a_flood_is_handled_in_turns_and_in_order(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        loop = asyncio.get_running_loop()
        streaks = [0]

        def others_turn() -> None:
            streaks.append(0)
            if sink.frames.qsize() < 20_000:
                loop.call_soon(others_turn)

        def count(frame: bytes) -> None:
            streaks[-1] += 1

        sink.on_frame = count
        loop.call_soon(others_turn)
        for n in range(20_000):
            peer.put(Opcode.TEXT, b"[%d]" % n)
        received = [await sink.frame() for _ in range(20_000)]
        assert received == [b"[%d]" % n for n in range(20_000)]
        assert max(streaks) <= 16 * 1024 // 5 + 1  # the smallest of these frames has 5 bytes

    async def test_the_end_behind_a_flood_comes_after_its_last_frame(self, ends: tuple[Sink, Leg, RawPeer]) -> None:
        sink, _, peer = ends
        for n in range(20_000):
            peer.put(Opcode.TEXT, b"[%d]" % n)
        peer.put(Opcode.CLOSE, (1000).to_bytes(2))
        assert await peer.close_frame()
        peer.writer.write_eof()
        assert (await sink.closed())[0] == 1000
        assert sink.frames.qsize() == 20_000


@asynccontextmanager
async def real_station(listen: Opener, gate: Gate, **options: Any) -> AsyncIterator[ClientConnection]:
    """Connect websockets' own client to a listener."""
    listener = await listen(gate)
    options = {"subprotocols": [Subprotocol("ocpp1.6")], "max_size": None} | options
    async with connect(f"ws://127.0.0.1:{listener.port}/CP-1", **options) as station:
        yield station


async def test_a_real_station_gets_back_what_it_sent_byte_for_byte(listen: Opener) -> None:
    async with real_station(listen, Gate(echo=True)) as station:
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
