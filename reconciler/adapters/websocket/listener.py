"""The door for charging stations: listens, reads handshakes, opens station legs, and closes in good order."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from websockets.frames import CloseCode

from reconciler.adapters.websocket.handshake import Door, Refused, StationHandshake, unheard
from reconciler.adapters.websocket.leg import WebSocketLeg
from reconciler.adapters.websocket.limits import WebSocketLimits
from reconciler.adapters.websocket.tls_entrance import BACKLOG, TlsEntrance, listen_at
from reconciler.app.legs import Admission, Refuse
from reconciler.errors import FwdctlError


class StationListener:
    """Accepts stations on `host`:`port` (0: any free one) and lets `admission` decide on each.

    `tls` encrypts the door: it is asked at each connection, so that certificates may change while stations stay.
    `refused` is told of everybody who is not let in, by HTTP status or as "tls", with address and reason, and of legs
    that this side ended, by WebSocket code alone. `listening` is a socket that was opened for it, instead of `host` and
    `port`. A listener is started and stopped once.
    """

    def __init__(
        self,
        admission: Admission,
        *,
        host: str = "",
        port: int = 0,
        listening: socket.socket | None = None,
        limits: WebSocketLimits | None = None,
        tls: Callable[[], ssl.SSLContext] | None = None,
        refused: Refused = unheard,
    ) -> None:
        self._host = host
        self._asked_port = port
        self._listening = listening
        self._door = Door(admission, limits or WebSocketLimits(), refused)
        self._entrance = None if tls is None else TlsEntrance(self._door, tls)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises FwdctlError where the address can't be had."""
        try:
            if self._entrance is not None:
                self._entrance.open(self._listening or listen_at(self._host, self._asked_port))
            else:
                await self._open_plain()
        except OSError as error:
            raise FwdctlError(
                f"can't listen for stations on {self._host}:{self._asked_port}: {error.strerror or error}",
                hint="choose another address or port, or stop what uses it",
            ) from error

    async def _open_plain(self) -> None:
        loop, made = asyncio.get_running_loop(), lambda: StationHandshake(self._door)
        if self._listening is not None:
            self._server = await loop.create_server(made, sock=self._listening, backlog=BACKLOG)
        else:
            self._server = await loop.create_server(made, self._host, self._asked_port, backlog=BACKLOG)

    @property
    def port(self) -> int:
        """The port that stations connect to; 0 while not listening."""
        if self._entrance is not None:
            return self._entrance.port
        sockets = self._server.sockets if self._server is not None else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    @property
    def connections(self) -> int:
        """Open station sockets: legs, and handshakes that are not over."""
        return len(self._door.connections)

    async def stop(self) -> None:
        """Stop accepting, refuse who is at the door (503), close the legs (1001); bounded by the limits."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        if self._entrance is not None:
            await self._entrance.close()
        door, limits = self._door, self._door.limits
        for connection in tuple(door.connections):
            if isinstance(connection, WebSocketLeg):
                connection.close(CloseCode.GOING_AWAY, "the relay is stopping")
            else:
                connection.refuse(Refuse(503, "the relay is stopping", limits.retry_after_s))
        if door.connections:
            await door.empty.wait()  # each connection's own timer bounds it
        await asyncio.gather(*door.decisions, return_exceptions=True)
        if server is not None:
            await server.wait_closed()
