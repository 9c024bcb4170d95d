"""Where stations come in over TLS: handshakes that are counted, bounded, and heard of when they fail."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final

import structlog

from reconciler.adapters.websocket.handshake import Door, StationHandshake, address_text, host_of
from reconciler.app.legs import Refuse

BACKLOG: Final = 1024
ACCEPT_AGAIN_S: Final = 0.1
"""After an accept that failed, which it does where the process is out of file descriptors."""

_log = structlog.get_logger(__name__)


def listen_at(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


class TlsEntrance:
    """Accepts connections on one socket; asks `context` at each, so that certificates may change meanwhile.

    A server made with `ssl=` would do the same out of sight: handshakes unbounded in number and silent about
    failures, and one context for all its life.
    """

    def __init__(self, door: Door, context: Callable[[], ssl.SSLContext]) -> None:
        self._door = door
        self._context = context
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    def open(self, listening: socket.socket) -> None:
        """Accept whoever comes in on `listening`, which is closed by `close`."""
        self._socket = listening
        self._socket.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(self._socket))

    @property
    def port(self) -> int:
        """The port that stations connect to; 0 while not listening."""
        return 0 if self._socket is None else int(self._socket.getsockname()[1])

    async def close(self) -> None:
        """Stop accepting."""
        if self._accepting is None or self._socket is None:
            return
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._socket.close()
        self._socket = self._accepting = None

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                _log.warning("station not accepted", reason=error.strerror)
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            TlsGreeting(self._door, connection, address).begin(self._context())
            await asyncio.sleep(0)  # an accept that need not wait would let nobody else have a turn


class TlsGreeting:
    """Takes one station through the TLS handshake; then a StationHandshake takes over. Implements AtTheDoor."""

    __slots__ = ("_address", "_door", "_shaking", "_socket")

    def __init__(self, door: Door, connection: socket.socket, address: object) -> None:
        self._door = door
        self._socket = connection
        self._address = address
        self._shaking: asyncio.Task[None] | None = None

    def begin(self, context: ssl.SSLContext) -> None:
        """Begin TLS, or hang up where there are too many: no HTTP answer can be read before TLS is up."""
        door, host = self._door, host_of(self._address)
        if len(door.connections) >= door.limits.max_connections or door.is_crowded_by(host):
            self._failed("too many stations are connecting", "503")
            self._socket.close()
            return
        door.enter(self)
        door.begin(self, host)
        self._shaking = asyncio.get_running_loop().create_task(self._shake_hands(context))
        door.decisions.add(self._shaking)
        self._shaking.add_done_callback(door.decisions.discard)

    def refuse(self, refuse: Refuse) -> None:
        """Hang up: before TLS is up there are no words."""
        if self._shaking is not None:
            self._shaking.cancel()

    async def _shake_hands(self, context: ssl.SSLContext) -> None:
        limits = self._door.limits
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._take_over,
                self._socket,
                ssl=context,
                ssl_handshake_timeout=limits.handshake_timeout_s,
                ssl_shutdown_timeout=limits.close_timeout_s,
            )
        except OSError as error:  # ssl.SSLError is one
            self._failed(_reason(error), "tls")
        finally:
            self._leave()

    def _take_over(self) -> StationHandshake:
        return StationHandshake(self._door, secured=self._leave)

    def _leave(self) -> None:
        self._door.end(self)
        self._door.leave(self)

    def _failed(self, reason: str, status: str) -> None:
        remote = address_text(self._address)
        self._door.refused(status, remote, reason)
        _log.info("station refused", identity="", remote=remote, status=status, reason=reason)


def _reason(error: OSError) -> str:
    """Return why TLS failed, in OpenSSL's own words where it has some."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the station's certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    return f"TLS was not completed: {str(error) or 'the station hung up'}"
