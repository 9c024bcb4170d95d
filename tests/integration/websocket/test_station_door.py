"""Stations at the door: what the listener reads from a handshake, and how it answers."""

import asyncio
import ssl
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode
from websockets.typing import Subprotocol

from reconciler.adapters.websocket import StationListener
from reconciler.app.legs import Admit, Knock, Refuse
from reconciler.errors import FwdctlError
from tests.integration.websocket.certificates import Authority
from tests.integration.websocket.conftest import Opener
from tests.integration.websocket.support import (
    ADMIT,
    REQUEST,
    Gate,
    constantly,
    knock,
    limits,
    raw_connection,
    raw_station,
)


def request_for(path: str, *lines: str) -> bytes:
    extra = "".join(f"{line}\r\n" for line in lines)
    return REQUEST.replace(b"/ocpp/CP-1", path.encode()).replace(b"\r\n\r\n", f"\r\n{extra}\r\n".encode())


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/CP-1", "CP-1"),
        ("/CP_1", "CP_1"),
        ("/ocpp/v16/json/CP-1", "CP-1"),
        ("/ocpp/CP%201", "CP 1"),
        ("/RDAM%7C123", "RDAM|123"),
        ("/RDAM|123", "RDAM|123"),
        ("///CP-1//", "CP-1"),
        ("/ocpp/S%C3%A4ule-1", "Säule-1"),
        ("/ocpp/A%2FB", "A/B"),
        ("/ocpp/100%2525", "100%25"),
        ("/ocpp/CP+1", "CP+1"),
        ("/ocpp/CP-1?token=x/y", "CP-1"),
        ("/ocpp/..CP", "..CP"),
        ("/" + "x" * 255, "x" * 255),
    ],
)
async def test_the_identity_is_the_last_segment_decoded_once(listen: Opener, path: str, identity: str) -> None:
    gate = Gate()
    listener = await listen(gate)
    async with raw_station(listener.port, request_for(path)):
        assert gate.knocks[0].identity == identity
        assert gate.knocks[0].path == path


@pytest.mark.parametrize(
    "path", ["/", "///", "/ocpp/..", "/ocpp/%2E%2E", "/ocpp/%20", "/CP%00", "/CP%0A1", "/CP%FF", "/" + "x" * 256]
)
async def test_a_path_without_a_usable_identity_is_refused_with_400(listen: Opener, path: str) -> None:
    gate = Gate()
    listener = await listen(gate)
    answer = await knock(listener.port, request_for(path))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert gate.knocks == []


async def test_the_knock_holds_what_the_station_offered(listen: Opener) -> None:
    gate = Gate()
    listener = await listen(gate)
    request = request_for("/CP", "Sec-WebSocket-Protocol: ocpp2.0.1, ocpp2.1", "Authorization: Basic Q1A6c2VjcmV0")
    async with raw_station(listener.port, request) as peer:
        port = peer.writer.get_extra_info("sockname")[1]
    assert gate.knocks == [
        Knock("CP", ("ocpp1.6", "ocpp2.0.1", "ocpp2.1"), "Basic Q1A6c2VjcmV0", f"127.0.0.1:{port}", "/CP", tls=False)
    ]


async def test_a_station_that_offers_two_versions_gets_the_one_that_the_relay_chose(listen: Opener) -> None:
    gate = Gate(Admit("cp001", "ocpp2.0.1", None))
    listener = await listen(gate)
    offered = [Subprotocol("ocpp1.6"), Subprotocol("ocpp2.0.1")]
    async with connect(f"ws://127.0.0.1:{listener.port}/CP", subprotocols=offered) as station:
        assert station.subprotocol == "ocpp2.0.1"
        _, leg = await gate.session()
        assert leg.subprotocol == "ocpp2.0.1"


async def test_without_a_common_version_the_handshake_completes_bare_and_closes(listen: Opener) -> None:
    gate = Gate(Admit("cp001", None, None))
    listener = await listen(gate)
    station = await connect(f"ws://127.0.0.1:{listener.port}/CP", subprotocols=[Subprotocol("ocpp1.2")])
    assert station.subprotocol is None
    with pytest.raises(ConnectionClosed) as closed:
        await station.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1002, "no common subprotocol")
    assert gate.admitted.empty()


async def test_a_version_that_the_station_did_not_offer_is_not_named_to_it(listen: Opener) -> None:
    gate = Gate()  # assumes ocpp1.6
    listener = await listen(gate)
    async with connect(f"ws://127.0.0.1:{listener.port}/CP") as station:
        assert station.subprotocol is None
        _, leg = await gate.session()
        assert leg.subprotocol == "ocpp1.6"


async def test_a_station_that_forgets_the_connection_header_is_let_in(listen: Opener) -> None:
    listener = await listen(Gate())
    async with raw_station(listener.port, REQUEST.replace(b"Connection: Upgrade\r\n", b"")):
        pass


@pytest.mark.parametrize(
    ("refuse", "expected"),
    [
        (Refuse(401, "wrong password"), [b"HTTP/1.1 401 Unauthorized\r\n", b"WWW-Authenticate: Basic realm="]),
        (Refuse(404, "unknown station"), [b"HTTP/1.1 404 Not Found\r\n"]),
        (Refuse(503, "busy", retry_after_s=30), [b"HTTP/1.1 503 Service Unavailable\r\n", b"\r\nRetry-After: 30\r\n"]),
        (Refuse(599, "odd"), [b"HTTP/1.1 599 Unknown\r\n"]),
    ],
)
async def test_a_refusal_is_answered_with_its_status(listen: Opener, refuse: Refuse, expected: list[bytes]) -> None:
    listener = await listen(Gate(refuse))
    answer = await knock(listener.port, REQUEST)
    assert all(part in answer for part in expected)
    assert answer.endswith(b"\r\n\r\n" + refuse.reason.encode() + b"\n")


async def test_a_refusal_is_logged_with_who_and_why_and_no_credential(listen: Opener) -> None:
    gate = Gate(Refuse(401, "wrong password"))
    listener = await listen(gate)
    with capture_logs() as logs:
        await knock(listener.port, request_for("/CP-1", "Authorization: Basic Q1A6c2VjcmV0"))
    remote = gate.knocks[0].remote
    assert logs == [
        {
            "event": "station refused",
            "log_level": "info",
            "identity": "CP-1",
            "remote": remote,
            "status": 401,
            "reason": "wrong password",
        }
    ]


async def test_a_real_client_understands_a_refusal(listen: Opener) -> None:
    listener = await listen(Gate(Refuse(404, "unknown station")))
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{listener.port}/CP")
    assert refused.value.response.status_code == 404


async def test_a_fault_in_deciding_is_answered_with_500(listen: Opener) -> None:
    listener = await listen(Gate(RuntimeError("broken")))
    assert (await knock(listener.port, REQUEST)).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"GET /\xc3\xa4 HTTP/1.1\r\n\r\n", b"400"),
        (REQUEST.replace(b"GET", b"POST"), b"405"),
        (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), b"505"),
        (REQUEST.replace(b"Upgrade: websocket\r\n", b""), b"426"),
        (REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), b"400"),
        (REQUEST.replace(b"Version: 13", b"Version: 8"), b"400"),
        (request_for("/CP", "Authorization: Basic QQ==", "Authorization: Basic Qg=="), b"400"),
        (request_for("/CP", "X-Long: " + "x" * 20_000), b"431"),
        (b"GET /" + b"x" * 40_000, b"431"),
    ],
)
async def test_what_is_no_handshake_is_refused_before_anyone_is_asked(
    listen: Opener, request_head: bytes, status: bytes
) -> None:
    gate = Gate()
    listener = await listen(gate)
    answer = await knock(listener.port, request_head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert gate.knocks == []


async def test_a_slow_handshake_ends_at_its_deadline(listen: Opener) -> None:
    listener = await listen(Gate(), limits=limits(handshake_timeout_s=0.1))
    async with raw_connection(listener.port) as peer:
        peer.writer.write(REQUEST[:40])
        assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")


async def test_a_station_that_ignores_its_refusal_is_cut_off(listen: Opener) -> None:
    listener = await listen(Gate(Refuse(404, "unknown")), limits=limits(linger_s=0.05))
    async with raw_connection(listener.port) as peer:
        peer.writer.write(REQUEST)
        await peer.reader.readuntil(b"unknown\n")
        async with asyncio.timeout(2):
            while listener.connections:
                peer.writer.write(b"still here")
                await asyncio.sleep(0.01)


class Undecided(Gate):
    """An admission that never answers, and tells when it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def admit(self, knock: Knock) -> Admit | Refuse:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError


async def test_deciding_is_cancelled_when_the_station_goes_away(listen: Opener) -> None:
    gate = Undecided()
    listener = await listen(gate)
    async with raw_connection(listener.port) as peer:
        peer.writer.write(REQUEST)
        await gate.asked.wait()
    async with asyncio.timeout(2):
        await gate.cancelled.wait()


async def test_deciding_has_a_deadline(listen: Opener) -> None:
    listener = await listen(Undecided(), limits=limits(admission_timeout_s=0.1))
    answer = await knock(listener.port, REQUEST)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 10\r\n" in answer


async def test_a_flood_before_the_answer_is_refused(listen: Opener) -> None:
    gate = Undecided()
    listener = await listen(gate)
    async with raw_connection(listener.port) as peer:
        peer.writer.write(REQUEST)
        await gate.asked.wait()
        peer.writer.write(b"x" * 20_000)
        assert (await peer.rest()).startswith(b"HTTP/1.1 413 ")


async def test_a_message_sent_too_early_is_heard_after_the_answer(listen: Opener) -> None:
    gate = Gate()
    listener = await listen(gate)
    early = b'[2,"1","BootNotification",{}]'
    async with raw_connection(listener.port) as peer:
        peer.writer.write(REQUEST)
        peer.put(Opcode.TEXT, early)
        sink, _ = await gate.session()
        assert await sink.frame() == early


async def test_stations_beyond_the_handshake_limit_are_told_to_come_back(listen: Opener) -> None:
    listener = await listen(Undecided(), limits=limits(max_handshakes=1))
    async with raw_connection(listener.port) as first:
        first.writer.write(REQUEST)
        answer = await knock(listener.port, REQUEST)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 10\r\n" in answer


async def test_stations_beyond_the_connection_limit_are_turned_away(listen: Opener) -> None:
    gate = Gate()
    listener = await listen(gate, limits=limits(max_connections=1))
    async with raw_station(listener.port) as inside:
        assert (await knock(listener.port, b"")).startswith(b"HTTP/1.1 503 ")
        inside.put(Opcode.TEXT, b"[]")
        sink, _ = await gate.session()
        assert await sink.frame() == b"[]"


async def test_a_fault_in_taking_a_station_in_closes_its_leg(listen: Opener) -> None:
    class Broken(Gate):
        def opened(self, admit: Admit, leg: object) -> None:  # type: ignore[override]
            raise RuntimeError("broken")

    listener = await listen(Broken())
    async with raw_station(listener.port) as peer:
        assert (await peer.close_frame()).code == 1011


async def test_stopping_refuses_who_waits_and_closes_who_is_inside(listen: Opener) -> None:
    gate = Gate()
    listener = await listen(gate)
    async with (
        raw_connection(listener.port) as waiting,
        connect(f"ws://127.0.0.1:{listener.port}/CP", subprotocols=[Subprotocol("ocpp1.6")]) as station,
    ):
        waiting.writer.write(b"GET ")
        sink, _ = await gate.session()
        await listener.stop()
        assert (await waiting.rest()).startswith(b"HTTP/1.1 503 ")
        await station.wait_closed()
        assert station.close_code == 1001
        assert await sink.closed() == (1001, "the relay is stopping")
    assert listener.connections == 0


async def test_stopping_does_not_wait_for_a_frozen_station(listen: Opener) -> None:
    gate = Gate()
    listener = await listen(gate, limits=limits(close_timeout_s=0.1))
    async with raw_station(listener.port):
        sink, _ = await gate.session()
        async with asyncio.timeout(2):
            await listener.stop()
        assert await sink.closed() == (1001, "the relay is stopping")


async def test_a_taken_port_is_refused_in_words(listen: Opener) -> None:
    taken = await listen(Gate())
    with pytest.raises(FwdctlError, match=rf"can't listen for stations on 127\.0\.0\.1:{taken.port}: .*in use"):
        await StationListener(Gate(), host="127.0.0.1", port=taken.port).start()


async def test_a_station_may_come_in_over_tls(listen: Opener, authority: Authority, tmp_path: Path) -> None:
    gate = Gate(ADMIT, echo=True)
    listener = await listen(gate, tls=constantly(authority.server_context(tmp_path, "localhost")))
    context = ssl.create_default_context(cadata=authority.pem.decode())
    async with connect(
        f"wss://localhost:{listener.port}/CP", ssl=context, subprotocols=[Subprotocol("ocpp1.6")]
    ) as station:
        assert gate.knocks[0].tls
        await station.send("[2]" * 100_000)
        assert await station.recv() == "[2]" * 100_000
