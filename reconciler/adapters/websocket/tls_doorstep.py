"""A station's connection until TLS is up: counted and bounded like every handshake, and heard of when it fails."""

import asyncio
import ssl
from typing import cast

import structlog

from reconciler.adapters.websocket.handshake import Door, StationHandshake, remote_of
from reconciler.app.legs import Refuse

_log = structlog.get_logger(__name__)


class TlsDoorstep(asyncio.Protocol):
    """Takes a station through the TLS handshake, then hands it to a StationHandshake.

    A server made with `ssl=` would do the same out of sight: unbounded in number, silent about failures, and with
    one context for all its life.
    """

    __slots__ = ("_context", "_door", "_early", "_gone", "_greeting", "_transport")

    _transport: asyncio.Transport

    def __init__(self, door: Door, context: ssl.SSLContext) -> None:
        self._door = door
        self._context = context
        self._early = b""  # read between the end of TLS and the hand-over
        self._gone = False
        self._greeting: asyncio.Task[None] | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin TLS, or hang up where there are too many: no HTTP answer can be read before TLS is up."""
        self._transport = cast(asyncio.Transport, transport)
        door, limits = self._door, self._door.limits
        if len(door.connections) >= limits.max_connections or len(door.handshakes) >= limits.max_handshakes:
            self._failed("too many stations are connecting", "503")
            self._transport.abort()
            return
        door.enter(self)
        door.handshakes.add(self)
        self._transport.pause_reading()
        self._greeting = asyncio.get_running_loop().create_task(self._greet())
        door.decisions.add(self._greeting)
        self._greeting.add_done_callback(door.decisions.discard)

    def data_received(self, data: bytes) -> None:
        """Keep what came right behind the TLS handshake."""
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the station went away right behind the TLS handshake."""
        self._gone = True

    # AtTheDoor

    def refuse(self, refuse: Refuse) -> None:
        """Hang up: before TLS is up there are no words."""
        if self._greeting is not None:
            self._greeting.cancel()

    async def _greet(self) -> None:
        limits = self._door.limits
        try:
            tls = await asyncio.get_running_loop().start_tls(
                self._transport,
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=limits.handshake_timeout_s,
                ssl_shutdown_timeout=limits.close_timeout_s,
            )
        except OSError as error:  # ssl.SSLError is one
            self._failed(_reason(error), "tls")
            return
        finally:
            self._leave()
        if tls is None or self._gone:
            return
        handshake = StationHandshake(self._door)
        tls.set_protocol(handshake)
        handshake.connection_made(tls)
        if self._early:
            handshake.data_received(self._early)

    def _failed(self, reason: str, status: str) -> None:
        self._door.refused(status)
        _log.info("station refused", identity="", remote=remote_of(self._transport), status=status, reason=reason)

    def _leave(self) -> None:
        self._door.handshakes.discard(self)
        self._door.leave(self)


def _reason(error: OSError) -> str:
    """Return why TLS failed, in OpenSSL's own words where it has some."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the station's certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    return f"TLS was not completed: {error or type(error).__name__}"
