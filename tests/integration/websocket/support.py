"""Both ends of a leg for tests: sinks that remember, admissions that let in, peers that misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace
from websockets.frames import Close, Frame, Opcode
from websockets.utils import accept_key

from reconciler.adapters.websocket import WebSocketLimits
from reconciler.app.legs import Admit, DialRequest, Knock, Leg, LegSink, Refuse
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import Backend, Compression, CredentialsMode, DesiredLeg, Role, SecretRef, Security

BRISK = WebSocketLimits(
    handshake_timeout_s=2.0,
    admission_timeout_s=2.0,
    connect_timeout_s=2.0,
    close_timeout_s=0.3,
    linger_s=0.2,
    ping_interval_s=0,
)
"""Limits for peers on loopback: nothing waits long."""

ADMIT = Admit(charger="cp001", subprotocol="ocpp1.6", ping_interval_s=None)


class Sink:
    """A sink that remembers what it is told, and fails a test that tells it the end twice."""

    def __init__(self, on_frame: Callable[[bytes], None] | None = None) -> None:
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.end: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self.leg: Leg | None = None
        self.on_frame = on_frame

    def frame_received(self, frame: bytes) -> None:
        assert not self.end.done(), "a frame after the end"
        assert type(frame) is bytes
        self.frames.put_nowait(frame)
        if self.on_frame is not None:
            self.on_frame(frame)

    def leg_closed(self, code: int, reason: str) -> None:
        self.end.set_result((code, reason))  # raises where it was set before

    async def closed(self) -> tuple[int, str]:
        """Return code and reason of the end."""
        async with asyncio.timeout(5):
            return await self.end

    async def frame(self) -> bytes:
        """Return the next frame."""
        async with asyncio.timeout(5):
            return await self.frames.get()


class Gate:
    """An admission that gives every station the same answer, and keeps what it saw."""

    def __init__(self, answer: Admit | Refuse | BaseException = ADMIT, *, echo: bool = False) -> None:
        self.answer = answer
        self.echo = echo
        self.knocks: list[Knock] = []
        self.admitted: asyncio.Queue[Sink] = asyncio.Queue()

    async def admit(self, knock: Knock) -> Admit | Refuse:
        self.knocks.append(knock)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def opened(self, admit: Admit, leg: Leg) -> LegSink:
        sink = Sink(leg.send if self.echo else None)
        sink.leg = leg
        self.admitted.put_nowait(sink)
        return sink

    async def session(self) -> tuple[Sink, Leg]:
        """Return the next admitted station's sink and leg."""
        async with asyncio.timeout(5):
            sink = await self.admitted.get()
        assert sink.leg is not None
        return sink, sink.leg


class RawPeer:
    """A WebSocket peer made of bytes, which does only what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, masks: bool) -> None:
        self.reader = reader
        self.writer = writer
        self.masks = masks

    def put(self, opcode: Opcode, data: bytes, *, fin: bool = True) -> None:
        """Send one frame."""
        self.writer.write(self.frame(opcode, data, fin=fin))

    def frame(self, opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
        """Return one frame as this side writes it."""
        return Frame(opcode, data, fin).serialize(mask=self.masks)

    async def get(self) -> Frame:
        """Return the next frame from the other side."""

        async def read() -> Frame:
            head = await self.reader.readexactly(2)
            size = head[1] & 0x7F
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
            assert (head[1] >= 0x80) != self.masks, "masked by the wrong side"
            mask = await self.reader.readexactly(4) if head[1] >= 0x80 else bytes(4)
            data = await self.reader.readexactly(size)
            return Frame(Opcode(head[0] & 0x0F), bytes(b ^ mask[i % 4] for i, b in enumerate(data)), head[0] >= 0x80)

        async with asyncio.timeout(5):
            return await read()

    async def close_frame(self) -> Close:
        """Return the close frame that comes next, after any others."""
        while (frame := await self.get()).opcode is not Opcode.CLOSE:
            pass
        return Close.parse(bytes(frame.data))

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        async with asyncio.timeout(5):
            return await self.reader.read()

    def reset(self) -> None:
        """End the TCP connection with a reset."""
        self.writer.transport.abort()


REQUEST = (
    b"GET /ocpp/CP-1 HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


@asynccontextmanager
async def raw_connection(port: int) -> AsyncIterator[RawPeer]:
    """Connect to a listener without saying anything."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawPeer(reader, writer, masks=True)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def raw_station(port: int, request: bytes = REQUEST) -> AsyncIterator[RawPeer]:
    """Connect to a listener and complete the handshake."""
    async with raw_connection(port) as peer:
        peer.writer.write(request)
        head = await peer.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        yield peer


async def knock(port: int, request: bytes) -> bytes:
    """Send a request to a listener and return all it answers until it ends the connection."""
    async with raw_connection(port) as peer:
        peer.writer.write(request)
        return await peer.rest()


def accepting(request: bytes, *, subprotocol: str | None = "ocpp1.6", extra: str = "") -> bytes:
    """Return the 101 response of a CSMS to a request's head."""
    lines = dict(line.split(": ", 1) for line in request.decode("latin-1").split("\r\n")[1:] if line)
    named = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    accept = accept_key(lines["Sec-WebSocket-Key"])
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{named}{extra}\r\n"
    ).encode()


@asynccontextmanager
async def raw_csms(serve: Callable[[RawPeer, bytes], object]) -> AsyncIterator[int]:
    """Listen as a CSMS that answers each request's head with `serve(peer, head)`; yield the port."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            result = serve(RawPeer(reader, writer, masks=False), head)
            if asyncio.iscoroutine(result):
                await result
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Vault:
    """Secrets of a test, by name; an unknown one raises as the real adapter does."""

    def __init__(self, **secrets: bytes) -> None:
        self.secrets = secrets
        self.asked: list[tuple[str, str]] = []

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        self.asked.append((ref.name, identity))
        if ref.name not in self.secrets:
            raise SecretUnavailable(f"secret {ref} is not set")
        return self.secrets[ref.name]


def dial_to(
    url: str,
    *,
    identity: str = "CP-1",
    version: str = "ocpp1.6",
    security: Security | None = None,
    compression: Compression = "auto",
    credentials: CredentialsMode = "own",
    authorization: str | None = None,
) -> DialRequest:
    """Return a request to dial `url`."""
    backend = Backend("csms", url, (version,), security or Security(), compression=compression)
    leg = DesiredLeg(backend, Role("primary", frozenset({"*"})), credentials)
    return DialRequest(identity, leg, version, authorization)


def constantly(context: ssl.SSLContext) -> Callable[[], ssl.SSLContext]:
    """Return what a listener asks for its context at each connection."""
    return lambda: context


async def until(fact: Callable[[], object]) -> None:
    """Wait for a fact that rings no bell."""
    deadline = asyncio.get_running_loop().time() + 5
    while not fact():
        assert asyncio.get_running_loop().time() < deadline, "waited 5 s"
        await asyncio.sleep(0.005)


def limits(**changes: float) -> WebSocketLimits:
    """Return brisk limits, some of them changed."""
    return replace(BRISK, **changes)  # type: ignore[arg-type]
