"""An open leg, seen from the other end of its socket: frames, violations and every way to end."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from websockets.frames import Opcode

from reconciler.app.legs import Leg
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.legs import csms_leg, station_leg
from tests.integration.websocket.support import RawPeer, Sink


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
