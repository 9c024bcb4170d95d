"""The door for charging stations: listens, reads handshakes, opens station legs, and closes in good order."""

import asyncio
import ssl

from websockets.frames import CloseCode

from reconciler.adapters.websocket.handshake import Door, StationHandshake
from reconciler.adapters.websocket.limits import WebSocketLimits
from reconciler.app.legs import Admission, Refuse
from reconciler.errors import FwdctlError

_BACKLOG = 1024


class StationListener:
    """Accepts stations on `host`:`port` (0: any free one) and lets `admission` decide on each.

    `tls` encrypts the door; its certificates are the caller's. A listener is started and stopped once.
    """

    def __init__(
        self,
        admission: Admission,
        *,
        host: str,
        port: int,
        limits: WebSocketLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._asked_port = port
        self._tls = tls
        self._door = Door(admission, limits or WebSocketLimits(), tls=tls is not None)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises FwdctlError where the address can't be had."""
        loop = asyncio.get_running_loop()
        limits = self._door.limits
        try:
            self._server = await loop.create_server(
                lambda: StationHandshake(self._door),
                self._host,
                self._asked_port,
                backlog=_BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=limits.handshake_timeout_s if self._tls else None,
                ssl_shutdown_timeout=limits.close_timeout_s if self._tls else None,
            )
        except OSError as error:
            raise FwdctlError(
                f"can't listen for stations on {self._host}:{self._asked_port}: {error.strerror or error}",
                hint="choose another address or port, or stop what uses it",
            ) from error

    @property
    def port(self) -> int:
        """The port that stations connect to; 0 while not listening."""
        sockets = self._server.sockets if self._server is not None else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    @property
    def connections(self) -> int:
        """Open station sockets: legs, and handshakes that are not over."""
        return len(self._door.connections)

    async def stop(self) -> None:
        """Stop accepting, refuse who is at the door (503), close the legs (1001); bounded by the limits."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        door, limits = self._door, self._door.limits
        for connection in tuple(door.connections):
            if isinstance(connection, StationHandshake):
                connection.refuse(Refuse(503, "the relay is stopping", limits.retry_after_s))
            else:
                connection.close(CloseCode.GOING_AWAY, "the relay is stopping")
        if door.connections:
            await door.empty.wait()  # each connection's own timer bounds it
        await asyncio.gather(*door.decisions, return_exceptions=True)
        await server.wait_closed()
