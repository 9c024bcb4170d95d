"""A station's opening handshake: read its request, ask the relay, answer; then hand the transport to a leg."""

import asyncio
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol, cast

import msgspec
import structlog
from websockets.datastructures import Headers, MultipleValuesError
from websockets.exceptions import InvalidHandshake
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from reconciler.adapters.websocket.http_head import HeadTooLarge, refusal, split_head
from reconciler.adapters.websocket.identity import BadIdentity, identity_in_path
from reconciler.adapters.websocket.leg import NobodyListens, WebSocketLeg
from reconciler.adapters.websocket.limits import WebSocketLimits
from reconciler.adapters.websocket.station_certificate import shown_certificate
from reconciler.adapters.websocket.wire import STATION_DEFLATE, half_close, may_deflate, station_wire
from reconciler.app.legs import Admission, Admit, Knock, LegSink, Refuse

_log = structlog.get_logger(__name__)


Refused = Callable[[str, str, str], None]
"""Told of everybody who is not let in: HTTP status or "tls", address, reason.

And of legs that this side ends: WebSocket code, "", "".
"""


def unheard(status: str, remote: str, reason: str) -> None:
    """Hear of nobody."""


class AtTheDoor(Protocol):
    """A station's connection before it is a leg."""

    def refuse(self, refuse: Refuse) -> None:
        """Send it away."""


class Door(msgspec.Struct, frozen=True, eq=False):
    """What all handshakes of one listener share: who decides, the bounds, and who is inside."""

    admission: Admission
    limits: WebSocketLimits
    refused: Refused
    connections: set["AtTheDoor | WebSocketLeg"] = msgspec.field(default_factory=set)
    handshakes: dict["AtTheDoor", str] = msgspec.field(default_factory=dict)
    """With the host that each comes from."""
    hosts: Counter[str] = msgspec.field(default_factory=Counter)
    decisions: set[asyncio.Task[None]] = msgspec.field(default_factory=set)
    empty: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def enter(self, connection: "AtTheDoor | WebSocketLeg") -> None:
        """Count a connection in."""
        self.connections.add(connection)
        self.empty.clear()

    def leave(self, connection: "AtTheDoor | WebSocketLeg") -> None:
        """Count a connection out."""
        self.connections.discard(connection)
        if not self.connections:
            self.empty.set()

    def begin(self, handshake: "AtTheDoor", host: str) -> None:
        """Count a handshake of `host` in."""
        self.handshakes[handshake] = host
        self.hosts[host] += 1

    def end(self, handshake: "AtTheDoor") -> None:
        """Count a handshake out; harmless when repeated."""
        host = self.handshakes.pop(handshake, None)
        if host is not None:
            self.hosts[host] -= 1
            if not self.hosts[host]:
                del self.hosts[host]

    def is_crowded_by(self, host: str) -> bool:
        """Tell whether there are too many handshakes for one more, of `host` or in all."""
        limits = self.limits
        return len(self.handshakes) >= limits.max_handshakes or self.hosts[host] >= limits.max_handshakes_per_host

    def leg_gone(self, leg: WebSocketLeg, code: int | None) -> None:
        """Count a leg out; `code` where this side ended it."""
        self.leave(leg)
        if code is not None:
            self.refused(str(code), "", "")


class StationHandshake(asyncio.Protocol):
    """One station's connection until it is admitted or refused.

    `admission.admit` is cancelled when the station goes away while the relay decides; an Admit that it returned
    is followed by `admission.opened`, unless the Admit names no subprotocol.
    """

    __slots__ = ("_answered", "_decision", "_door", "_identity", "_received", "_secured", "_timer", "_transport")

    _transport: asyncio.Transport

    def __init__(self, door: Door, secured: Callable[[], None] = lambda: None) -> None:
        """Begin at `door`; `secured` is told that TLS is up and this handshake is what counts from now on."""
        self._door = door
        self._secured = secured
        self._received = b""
        self._identity = ""  # once it is known
        self._timer: asyncio.TimerHandle | None = None
        self._decision: asyncio.Task[None] | None = None
        self._answered = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, or refuse at once where there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        self._secured()
        door, limits = self._door, self._door.limits
        if len(door.connections) >= limits.max_connections:
            self._say_no(503, "too many connections")
            self._answered = True
            self._transport.write(refusal(503, "too many connections", limits.retry_after_s))
            self._transport.close()
            return
        host = host_of(transport.get_extra_info("peername"))
        crowded = door.is_crowded_by(host)
        door.enter(self)
        door.begin(self, host)
        self._wait(limits.handshake_timeout_s)
        if crowded:
            self.refuse(Refuse(503, "too many stations are connecting", limits.retry_after_s))

    def data_received(self, data: bytes) -> None:
        """Collect the request; a station that speaks before it is answered is heard later, within bounds."""
        if self._answered:
            return
        self._received += data
        limit = self._door.limits.max_handshake_bytes
        if self._decision is not None:
            if len(self._received) > limit:
                self.refuse(Refuse(413, "messages before the handshake was answered"))
            return
        try:
            split = split_head(self._received, limit)
        except HeadTooLarge:
            self.refuse(Refuse(431, f"request head of more than {limit} bytes"))
            return
        if split is not None:
            head, self._received = split
            self._read_request(head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop deciding about a station that is gone."""
        self._done()
        if self._decision is not None:
            self._decision.cancel()
        self._door.leave(self)

    # The answer

    def refuse(self, refuse: Refuse) -> None:
        """Answer with an HTTP status, once; then give the station a moment to read it."""
        self._say_no(refuse.status, refuse.reason)
        self._end(refusal(refuse.status, refuse.reason, refuse.retry_after_s))

    def _say_no(self, status: int, reason: str) -> None:
        if not self._answered:
            remote = self._remote()
            self._door.refused(str(status), remote, reason)
            _log.info("station refused", identity=self._identity, remote=remote, status=status, reason=reason)

    def _end(self, answer: bytes) -> None:
        if self._answered or self._transport.is_closing():
            return
        self._done()
        if self._decision is not None:
            self._decision.cancel()
        self._transport.write(answer)
        half_close(self._transport)
        self._wait(self._door.limits.linger_s)

    def _done(self) -> None:
        self._answered = True
        self._received = b""
        self._door.end(self)
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._time_is_up)

    def _time_is_up(self) -> None:
        if self._answered:
            self._transport.abort()
        else:
            self.refuse(Refuse(408, f"no whole request within {self._door.limits.handshake_timeout_s:g} s"))

    # The request

    def _read_request(self, head: bytes) -> None:
        wire = station_wire(self._door.limits.max_message_bytes)
        wire.receive_data(head)
        events = wire.events_received()
        if not events:
            self.refuse(Refuse(400, "not an HTTP/1.1 request for a WebSocket"))
            return
        request = cast(Request, events[0])
        _repair(request.headers)
        response = wire.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._say_no(response.status_code, str(wire.handshake_exc))
            self._end(response.serialize())
            return
        try:
            knock = self._knock(request)
        except BadIdentity as error:
            self.refuse(Refuse(400, str(error)))
            return
        except MultipleValuesError:
            self.refuse(Refuse(400, "more than one Authorization header"))
            return
        self._identity = knock.identity
        if self._timer is not None:
            self._timer.cancel()
        self._decision = asyncio.get_running_loop().create_task(self._decide(knock, wire, request, response))
        self._door.decisions.add(self._decision)
        self._decision.add_done_callback(self._door.decisions.discard)

    def _knock(self, request: Request) -> Knock:
        tls = self._transport.get_extra_info("ssl_object")
        return Knock(
            identity=identity_in_path(request.path),
            subprotocols=_subprotocols(request.headers),
            authorization=request.headers.get("Authorization"),
            remote=self._remote(),
            path=request.path,
            tls=tls is not None,
            tls_version=(tls.version() or "") if tls is not None else "",
            certificate=shown_certificate(tls) if tls is not None else None,
        )

    def _remote(self) -> str:
        return address_text(self._transport.get_extra_info("peername"))

    # The decision

    async def _decide(self, knock: Knock, wire: ServerProtocol, request: Request, response: Response) -> None:
        limits = self._door.limits
        answer: Admit | Refuse
        try:
            async with asyncio.timeout(limits.admission_timeout_s):
                answer = await self._door.admission.admit(knock)
        except TimeoutError:
            answer = Refuse(503, "the relay did not decide in time", limits.retry_after_s)
        except Exception:  # noqa: BLE001 -- a fault in deciding on one station must not open the door, nor end in silence
            _log.exception("admission failed", identity=knock.identity, remote=knock.remote)
            answer = Refuse(500, "internal error")
        self._decision = None
        if isinstance(answer, Refuse):
            self.refuse(answer)
        else:
            _negotiate(answer, knock, wire, request.headers, response.headers)
            wire.send_response(response)
            self._open(answer, wire)

    def _open(self, admit: Admit, wire: ServerProtocol) -> None:
        door = self._door
        early = self._received
        self._done()
        for data in wire.data_to_send():
            self._transport.write(data)
        interval_s = door.limits.ping_interval_s if admit.ping_interval_s is None else admit.ping_interval_s
        leg = WebSocketLeg(
            self._transport, wire, admit.subprotocol, door.limits, ping_interval_s=interval_s, gone=door.leg_gone
        )
        door.enter(leg)
        door.leave(self)
        sink: LegSink = NobodyListens()
        if admit.subprotocol is None:
            leg.close(CloseCode.PROTOCOL_ERROR, "no common subprotocol")
        else:
            try:
                sink = door.admission.opened(admit, leg)
            except Exception:  # noqa: BLE001 -- one session's fault must not reach the loop
                _log.exception("an admitted station could not be taken in", charger=admit.charger)
                leg.close(CloseCode.INTERNAL_ERROR, "internal error")
        leg.begin(sink, early)


def address_text(address: object) -> str:
    """Return host:port of a socket's address."""
    if not isinstance(address, tuple):
        return "unknown"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_of(address: object) -> str:
    """Return the host of a socket's address."""
    return str(address[0]) if isinstance(address, tuple) else "unknown"


def _repair(headers: Headers) -> None:
    # Autel MaxiCharger leaves "Connection: Upgrade" out; all else says that it wants a WebSocket.
    wanted = headers.get_all("Connection")
    if "upgrade" not in ",".join(wanted).lower() and headers.get_all("Upgrade"):
        headers["Connection"] = "Upgrade"


def _subprotocols(headers: Headers) -> tuple[str, ...]:
    offered = ",".join(headers.get_all("Sec-WebSocket-Protocol")).split(",")
    return tuple(name for item in offered if (name := item.strip()))


def _negotiate(admit: Admit, knock: Knock, wire: ServerProtocol, asked: Headers, answered: Headers) -> None:
    # A station that offered nothing must not be answered with a name, even where the relay assumes one.
    if admit.subprotocol is not None and admit.subprotocol in knock.subprotocols:
        answered["Sec-WebSocket-Protocol"] = admit.subprotocol
    if not admit.compression or admit.subprotocol is None or not may_deflate(admit.subprotocol):
        return
    wire.available_extensions = [STATION_DEFLATE]
    try:
        chosen, wire.extensions = wire.process_extensions(asked)
    except InvalidHandshake:  # an offer that can't be read is an offer not taken
        return
    if chosen is not None:
        answered["Sec-WebSocket-Extensions"] = chosen
