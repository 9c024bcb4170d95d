"""Runs the admin API in this process: uvicorn on a socket that was bound before anything else was started."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.errors import FwdctlError

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


def bind_admin(host: str, port: int, *, token: str | None, tls: tuple[Path, Path] | None = None) -> socket.socket:
    """Return a socket listening on `host` and `port` (0: any free one), not yet answering.

    Raises FwdctlError where the address is taken or not ours, where the files of `tls` can't be used, and where it can
    be reached from other machines while there is no `token` or no `tls`.
    """
    if tls is not None:
        _check_tls(*tls)
    if token is None and not is_loopback(host):
        raise FwdctlError(
            f"the admin API would be open to everybody on {host}",
            hint="set FWDCTL_ADMIN_TOKEN (or write admin-token, mode 0600, in the data directory), "
            "or bind to 127.0.0.1",
        )
    if tls is None and not is_loopback(host):
        raise FwdctlError(
            f"tokens would cross the network in the clear to the admin API on {host}",
            hint="give --admin-tls-cert and --admin-tls-key, or bind to 127.0.0.1 and put a TLS proxy before it",
        )
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise FwdctlError(
            f"the admin API can't listen on {host}:{port}: {error.strerror}",
            hint="another process has it, or the address is not of this machine: --admin HOST:PORT",
        ) from error


def _check_tls(certificate: Path, key: Path) -> None:
    try:
        if key.stat().st_mode & 0o007:
            raise FwdctlError(f"everybody on this machine may read the private key {key}", hint=f"chmod 600 {key}")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=b"")
    except (OSError, ValueError) as error:
        raise FwdctlError(
            f"the admin API's certificate {certificate} and private key {key} can't be used",
            hint="both must be PEM files that the server may read, belong to each other, and be unencrypted",
        ) from error


def is_loopback(host: str) -> bool:
    """Return True where `host` can be reached from this machine only; a name other than localhost can't be."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
