"""Dialling a CSMS: what the relay sends as the charger, and the reason it gives when the leg does not open."""

import asyncio
import socket
from base64 import b64decode

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from reconciler.adapters.websocket import WebSocketDialer
from reconciler.app.legs import DialFailed, DialRequest
from reconciler.model.desired import SecretRef, Security
from tests.integration.websocket.support import BRISK, RawPeer, Sink, Vault, accepting, dial_to, limits, raw_csms

PASSWORD = SecretRef("env", "password")


async def dial(request: DialRequest, vault: Vault | None = None) -> None:
    """Dial, expecting that it opens, and close again."""
    sink = Sink()
    leg = await WebSocketDialer(vault or Vault(), BRISK).dial(request, sink)
    leg.close(1000, "")
    await sink.closed()


async def refusal(request: DialRequest, vault: Vault | None = None, using: object = BRISK) -> DialFailed:
    """Dial, expecting that it fails, and return how."""
    with pytest.raises(DialFailed) as failed:
        await WebSocketDialer(vault or Vault(), using).dial(request, Sink())  # type: ignore[arg-type]
    return failed.value


class Heads:
    """A CSMS that accepts whatever comes and keeps the requests."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, peer: RawPeer, head: bytes) -> None:
        self.seen.append(head.decode("latin-1"))
        peer.writer.write(accepting(head, subprotocol=self.header("Sec-WebSocket-Protocol")))
        await peer.close_frame()
        peer.writer.close()

    @property
    def path(self) -> str:
        return self.seen[-1].split(" ")[1]

    def header(self, name: str) -> str | None:
        found = [line.split(": ", 1)[1] for line in self.seen[-1].split("\r\n") if line.startswith(f"{name}: ")]
        assert len(found) <= 1
        return found[0] if found else None


@pytest.mark.parametrize(
    ("base", "identity", "path"),
    [
        ("", "CP-1", "/CP-1"),
        ("/", "CP-1", "/CP-1"),
        ("/ocpp/v16", "CP 1", "/ocpp/v16/CP%201"),
        ("/ocpp/", "RDAM|123", "/ocpp/RDAM%7C123"),
        ("/ocpp", "a-b_c.d~e", "/ocpp/a-b_c.d~e"),
        ("/ocpp", "A/B", "/ocpp/A%2FB"),
        ("/ocpp", "Säule", "/ocpp/S%C3%A4ule"),
        ("/ocpp?tenant=7", "CP-1", "/ocpp/CP-1?tenant=7"),
    ],
)
async def test_the_identity_is_appended_percent_encoded(base: str, identity: str, path: str) -> None:
    heads = Heads()
    async with raw_csms(heads) as port:
        await dial(dial_to(f"ws://127.0.0.1:{port}{base}", identity=identity))
        assert heads.path == path
        assert heads.header("Host") == f"127.0.0.1:{port}"
        assert heads.header("Sec-WebSocket-Protocol") == "ocpp1.6"
        assert heads.header("Authorization") is None


@pytest.mark.parametrize(
    ("stored", "encoding", "sent"),
    [(b"s3cret:with:colons", "plain", b"s3cret:with:colons"), (b"0001020304ff", "hex", b"\0\1\2\3\4\xff")],
)
async def test_basic_authentication_sends_identity_and_the_passwords_bytes(
    stored: bytes, encoding: str, sent: bytes
) -> None:
    heads = Heads()
    vault = Vault(password=stored)
    security = Security(1, password=PASSWORD, password_encoding=encoding)  # type: ignore[arg-type]
    async with raw_csms(heads) as port:
        await dial(dial_to(f"ws://127.0.0.1:{port}", security=security), vault)
    scheme, _, token = (heads.header("Authorization") or "").partition(" ")
    assert (scheme, b64decode(token)) == ("Basic", b"CP-1:" + sent)
    assert vault.asked == [("password", "CP-1")]


@pytest.mark.parametrize("header", ["Basic Q1AtMTr/AP8=", None])
async def test_passed_through_credentials_are_the_stations_own(header: str | None) -> None:
    heads = Heads()
    security = Security(1, password=PASSWORD)
    async with raw_csms(heads) as port:
        url = f"ws://127.0.0.1:{port}"
        await dial(dial_to(url, security=security, credentials="passthrough", authorization=header))
    assert heads.header("Authorization") == header


@pytest.mark.parametrize(
    ("version", "compression", "offered"),
    [("ocpp1.6", "auto", False), ("ocpp2.0.1", "auto", True), ("ocpp2.1", "auto", True), ("ocpp2.1", "off", False)],
)
async def test_deflate_is_offered_only_in_2x_and_where_allowed(version: str, compression: str, offered: bool) -> None:
    heads = Heads()
    async with raw_csms(heads) as port:
        await dial(dial_to(f"ws://127.0.0.1:{port}", version=version, compression=compression))  # type: ignore[arg-type]
    assert ("permessage-deflate" in (heads.header("Sec-WebSocket-Extensions") or "")) is offered


@pytest.mark.parametrize("server_compresses", [True, False])
async def test_frames_survive_deflate_whether_agreed_or_not(server_compresses: bool) -> None:
    frame = b'[2,"1","NotifyReport",{"x":"' + b"abc" * 50_000 + b'"}]'

    async def talk(csms: ServerConnection) -> None:
        assert bool(csms.protocol.extensions) is server_compresses
        for _ in range(3):
            await csms.send(frame, text=True)
            assert await csms.recv(decode=False) == frame

    compression = "deflate" if server_compresses else None
    version = Subprotocol("ocpp2.0.1")
    async with serve(talk, "127.0.0.1", 0, subprotocols=[version], compression=compression) as server:
        sink = Sink()
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        leg = await WebSocketDialer(Vault(), BRISK).dial(dial_to(url, version="ocpp2.0.1"), sink)
        sink.on_frame = leg.send
        assert (await sink.closed())[0] == 1000
        assert sink.frames.qsize() == 3


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (b"401 Go away\r\nWWW-Authenticate: Basic\r\n\r\n", 401, "refused the connection: HTTP 401 Unauthorized"),
        (b"404 Not Found\r\nContent-Length: 99\r\n\r\n", 404, "refused the connection: HTTP 404 Not Found"),
        (b"503 Busy\r\n\r\n<html>", 503, "refused the connection: HTTP 503 Service Unavailable"),
        (
            b"302 Found\r\nLocation: ws://secret.example/\r\n\r\n",
            302,
            "refused the connection: HTTP 302 Found (redirects are not followed)",
        ),
        (b"200 OK\r\n\r\n", 200, "refused the connection: HTTP 200 OK"),
        (b"many\r\n\r\n", None, "did not answer with HTTP"),
        (b"101 OK\r\nUpgrade: websocket\r\n\r\n", None, "answered with an invalid WebSocket handshake: Connection"),
        (b"101 OK\r\nbroken\r\n\r\n", None, "answered with an invalid WebSocket handshake"),
        (b"200 OK\r\nX: " + b"x" * 20_000, None, "answered with an HTTP head of more than 16384 bytes"),
    ],
)
async def test_an_answer_that_is_no_leg_is_told_with_its_status(answer: bytes, status: int | None, reason: str) -> None:
    async with raw_csms(lambda peer, head: peer.writer.write(b"HTTP/1.1 " + answer)) as port:
        failed = await refusal(dial_to(f"ws://127.0.0.1:{port}"))
    assert (failed.status, failed.reason) == (status, f"127.0.0.1:{port} {reason}")


async def test_a_csms_that_agrees_to_no_subprotocol_is_left_with_1002() -> None:
    code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def accept(peer: RawPeer, head: bytes) -> None:
        peer.writer.write(accepting(head, subprotocol=None))
        code.set_result((await peer.close_frame()).code)

    async with raw_csms(accept) as port:
        failed = await refusal(dial_to(f"ws://127.0.0.1:{port}"))
        assert failed.reason == f"127.0.0.1:{port} was offered ocpp1.6 and agreed to no subprotocol"
        assert await code == 1002


async def test_a_csms_that_answers_with_another_subprotocol_is_told() -> None:
    async with raw_csms(lambda peer, head: peer.writer.write(accepting(head, subprotocol="ocpp2.1"))) as port:
        failed = await refusal(dial_to(f"ws://127.0.0.1:{port}"))
    assert failed.reason.endswith(
        "was offered ocpp1.6 and answered with something else: unsupported subprotocol: ocpp2.1"
    )


async def test_nobody_listening_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failed = await refusal(dial_to(f"ws://127.0.0.1:{port}"))
    assert failed.reason == f"connection refused by 127.0.0.1:{port}"
    failed = await refusal(dial_to(f"ws://localhost:{port}"))
    assert failed.reason == f"connection refused by localhost:{port}"


async def test_a_host_name_that_does_not_resolve_is_told() -> None:
    host = "x" * 64 + ".example"  # no DNS label is that long, so nobody needs to be asked
    failed = await refusal(dial_to(f"ws://{host}"))
    assert failed.reason == f"host name {host} can't be resolved"


async def test_a_csms_that_hangs_up_is_told() -> None:
    async with raw_csms(lambda peer, head: peer.writer.close()) as port:
        failed = await refusal(dial_to(f"ws://127.0.0.1:{port}"))
    assert failed.reason == f"127.0.0.1:{port} closed the connection without an answer"


async def test_a_csms_that_says_nothing_is_told_in_time() -> None:
    async with raw_csms(lambda peer, head: None) as port:
        failed = await refusal(dial_to(f"ws://127.0.0.1:{port}"), using=limits(handshake_timeout_s=0.1))
    assert failed.reason == f"127.0.0.1:{port} accepted the connection but sent no answer within 0.1 s"


async def test_a_host_that_does_not_accept_is_told_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        with socket.create_connection(address):  # fills the queue, so the next SYN is not answered
            failed = await refusal(dial_to(f"ws://127.0.0.1:{address[1]}"), using=limits(connect_timeout_s=0.1))
    assert failed.reason == f"no connection to 127.0.0.1:{address[1]} within 0.1 s"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (dial_to("http://csms.example"), "back-end csms has no usable URL: "),
        (dial_to("ws://csms.example:99999"), "back-end csms has no usable URL: "),
        (dial_to("ws://csms.example", security=Security(2)), "security profile 2 of back-end csms needs a wss:// URL"),
        (dial_to("ws://csms.example", security=Security(1)), "back-end csms has security profile 1 but no password"),
        (
            dial_to("ws://csms.example", security=Security(1, password=SecretRef("env", "gone"))),
            "secret env:gone is not set",
        ),
        (
            dial_to("ws://csms.example", security=Security(1, password=PASSWORD, password_encoding="hex")),
            "password env:password of back-end csms is not hexadecimal",
        ),
        (
            dial_to("ws://csms.example", identity="a:b", security=Security(1, password=PASSWORD)),
            "identity 'a:b' holds a colon, which basic authentication can't carry",
        ),
    ],
)
async def test_what_can_not_be_dialled_is_told_before_anything_is_sent(request_: DialRequest, reason: str) -> None:
    failed = await refusal(request_, Vault(password=b"s3cret-not-hex"))
    assert failed.reason.startswith(reason)
    assert failed.status is None
    chain: BaseException | None = failed
    while chain is not None:
        assert "s3cret" not in str(chain)
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)


async def test_what_comes_right_behind_the_answer_is_heard_after_the_leg_is_there() -> None:
    def accept(peer: RawPeer, head: bytes) -> None:
        frames = [Frame(Opcode.TEXT, b"[2]"), Frame(Opcode.CLOSE, (1011).to_bytes(2) + b"unknown station")]
        peer.writer.write(accepting(head) + b"".join(frame.serialize(mask=False) for frame in frames))
        peer.writer.write_eof()

    async with raw_csms(accept) as port:
        sink = Sink()
        leg = await WebSocketDialer(Vault(), BRISK).dial(dial_to(f"ws://127.0.0.1:{port}"), sink)
        assert sink.frames.empty()
        assert leg.subprotocol == "ocpp1.6"
        assert await sink.closed() == (1011, "unknown station")
        assert sink.frames.qsize() == 1


async def test_a_dial_that_is_cancelled_leaves_no_connection_behind() -> None:
    ended = asyncio.Event()
    asked = asyncio.Event()

    async def never_answer(peer: RawPeer, head: bytes) -> None:
        asked.set()
        try:
            await peer.rest()
        finally:
            ended.set()

    async with raw_csms(never_answer) as port:
        dialling = asyncio.ensure_future(refusal(dial_to(f"ws://127.0.0.1:{port}")))
        await asked.wait()
        dialling.cancel()
        async with asyncio.timeout(2):
            await ended.wait()
    assert dialling.cancelled()
