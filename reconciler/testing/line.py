"""The connection of a simulated station: dialling, dialling again, and an honest account of every disconnection."""

import asyncio
import base64
import ssl as tls
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from reconciler.testing.dialect import DIALECTS, Dialect, subprotocols
from reconciler.testing.manners import CallFailed, Manners
from reconciler.testing.peer import MAX_FRAME_BYTES, Peer, PeerOptions, Side, quiet
from reconciler.testing.recording import Closed, Journal


class HandshakeRefused(ConnectionError):
    """Raised when the handshake failed; `status` is the HTTP status, None where it failed in another way."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Line(ABC):
    """One station's connection to whatever answers at `url`."""

    def __init__(
        self,
        identity: str,
        url_base: str,
        version: str | Sequence[str] = "ocpp1.6",
        *,
        password: str | bytes | None = None,
        ssl: tls.SSLContext | None = None,
        reconnect_after_s: float | None = None,
        offer_versions: bool = True,
        compression: bool = False,
        ping_interval_s: float | None = None,
        manners: Manners | None = None,
        options: PeerOptions | None = None,
        keep: int | None = None,
    ) -> None:
        self.identity = identity
        self.url_base = url_base
        self.versions = subprotocols(version if isinstance(version, str) else tuple(version))
        self.password = password
        self.reconnect_after_s = reconnect_after_s
        self.manners = manners or Manners()
        self.journal = Journal(keep)
        self.disconnects: list[Closed] = []
        self.failed_dials: list[Exception] = []
        self.mishaps: list[Exception] = []
        self._ssl = ssl
        self._offer_versions = offer_versions
        self._compression = "deflate" if compression else None
        self._ping_interval_s = ping_interval_s
        self._options = options or PeerOptions()
        self._peer: Peer | None = None
        self._life: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._dials = 0

    @abstractmethod
    def side(self, dialect: Dialect) -> Side:
        """Return who answers on a new connection in that version."""

    @property
    def url(self) -> str:
        """Where the station connects to: the base, a slash and its percent-encoded identity."""
        return f"{self.url_base}/{quote(self.identity, safe='')}"

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return self._peer is not None

    @property
    def dialect(self) -> Dialect:
        """The version in use; without a connection the first one offered."""
        return DIALECTS[self.versions[0]] if self._peer is None else self._peer.dialect

    @property
    def unexpected_disconnects(self) -> list[Closed]:
        """The closes that the station had not asked for."""
        return [closed for closed in self.disconnects if not closed.asked_for]

    @property
    def peer(self) -> Peer:
        """The open connection; raises ConnectionError where there is none."""
        if self._peer is None:
            raise ConnectionError(f"{self.identity} is not connected")
        return self._peer

    async def connect(self) -> None:
        """Open the connection. Raises HandshakeRefused, or OSError where nobody listens."""
        if self._life is not None:
            raise RuntimeError(f"{self.identity} is connected or connecting; disconnect it first")
        peer = await self._dial()
        self._life = asyncio.get_running_loop().create_task(self._live(peer))

    async def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and stop dialling again; harmless when repeated."""
        life, self._life = self._life, None
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        if life is None:
            return
        if self._peer is not None:
            await self._peer.close(code, reason)
        else:
            life.cancel()
        await asyncio.wait({life})
        if not life.cancelled():
            life.result()

    def vanish(self) -> None:
        """Cut the connection without a word, as a pulled cable does; counted as asked for, dialled again if so set."""
        self.peer.abort()

    async def wait_connected(self, timeout_s: float = 5.0) -> None:
        """Wait until a connection is open; raises TimeoutError."""
        await self.journal.bell.until(lambda: self.connected, timeout_s, lambda: f"{self.identity} to be connected")

    async def wait_disconnected(self, count: int = 1, timeout_s: float = 5.0) -> Closed:
        """Wait for the `count`th disconnection since the beginning and return it; raises TimeoutError."""
        return await self.journal.bell.until(
            lambda: self.disconnects[count - 1] if len(self.disconnects) >= count else None,
            timeout_s,
            lambda: f"disconnection no. {count} of {self.identity}",
        )

    def keep(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something in the background; what goes wrong with it is put into `mishaps`."""
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until all background work is done, for example what the answers to commands promised."""
        while tasks := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    async def _guarded(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except (ConnectionError, TimeoutError, CallFailed) as mishap:
            self.mishaps.append(mishap)

    async def _dial(self) -> Peer:
        try:
            socket = await self._open_socket()
        except InvalidStatus as refused:
            status = refused.response.status_code
            raise HandshakeRefused(f"{self.identity}: refused with HTTP {status}", status) from None
        except InvalidHandshake as failed:
            raise HandshakeRefused(f"{self.identity}: {failed}") from None
        chosen = socket.subprotocol
        if chosen is None and self._offer_versions:
            await socket.close(1002, "no common version")
            raise HandshakeRefused(f"{self.identity}: none of {', '.join(self.versions)} was accepted")
        dialect = DIALECTS[chosen or self.versions[0]]
        self._dials += 1
        self._peer = Peer(
            socket,
            dialect,
            self.side(dialect),
            self.journal,
            self.manners,
            identity=self.identity,
            connection=self._dials - 1,
            options=self._options,
        )
        self.journal.bell.ring()
        return self._peer

    async def _open_socket(self) -> ClientConnection:
        headers = {}
        if self.password is not None:
            secret = self.password.encode() if isinstance(self.password, str) else self.password
            credentials = base64.b64encode(self.identity.encode() + b":" + secret).decode()
            headers["Authorization"] = f"Basic {credentials}"
        return await websocket_connect(
            self.url,
            subprotocols=[Subprotocol(v) for v in self.versions] if self._offer_versions else None,
            additional_headers=headers,
            user_agent_header=None,
            compression=self._compression,
            ping_interval=self._ping_interval_s,
            close_timeout=3,
            max_size=MAX_FRAME_BYTES,
            proxy=None,
            logger=quiet,
            ssl=self._ssl,
        )

    async def _live(self, peer: Peer) -> None:
        while True:
            try:
                self.disconnects.append(await peer.run())
            finally:
                self._peer = None
                self.journal.bell.ring()
            if self._life is None or self.reconnect_after_s is None:
                self._life = None
                return
            peer = await self._redial(self.reconnect_after_s)

    async def _redial(self, wait_s: float) -> Peer:
        while True:
            await asyncio.sleep(wait_s)
            try:
                return await self._dial()
            except (OSError, TimeoutError) as failed:
                self.failed_dials.append(failed)
                self.journal.bell.ring()
