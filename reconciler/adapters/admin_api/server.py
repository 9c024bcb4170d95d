"""Runs the admin API in this process: uvicorn on a socket that was bound before anything else was started."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

DRAIN_S: Final = 3
"""How long answers under way may take once the server stops."""
HEAD_WITHIN_S: Final = 10.0
"""From a connection, or from the first byte of a further request on it, to a whole head."""
CONNECTIONS_MAX: Final = 1000
"""Past it 503."""


class PunctualProtocol(H11Protocol):
    """Hangs up on a client whose request's head is not there in time: uvicorn itself would wait for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take what came, and see whether a head is whole now or a next one has begun."""
        super().data_received(data)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._no_longer()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._no_longer()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_WITHIN_S, self.transport.close)

    def _no_longer(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class AdminServer(uvicorn.Server):
    """One HTTP server on one bound socket; signals are left to whoever runs the process."""

    def __init__(self, app: ASGIApp, listening: socket.socket, tls: tuple[Path, Path] | None = None) -> None:
        """Serve `app` on `listening`; over TLS where `tls` names a certificate chain and its private key."""
        certificate, key = tls or (None, None)
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_S,
                http=PunctualProtocol,
                limit_concurrency=CONNECTIONS_MAX,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._listening = listening

    async def run_until_stopped(self) -> None:
        """Serve until `stop`, then finish the answers under way, for at most `DRAIN_S`."""
        await self.serve(sockets=[self._listening])

    def stop(self) -> None:
        """Ask the server to stop; harmless when repeated."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: `fwdctl serve` stops everything in its own order."""
        yield
