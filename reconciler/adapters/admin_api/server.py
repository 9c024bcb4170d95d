"""Runs the admin API in this process: uvicorn on a socket that was bound before anything else was started."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from reconciler.errors import FwdctlError

DRAIN_S: Final = 3
"""How long answers under way may take once the server stops."""


class AdminServer(uvicorn.Server):
    """One HTTP server on one bound socket; signals are left to whoever runs the process."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_S,
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


def bind_admin(host: str, port: int, *, token: str | None) -> socket.socket:
    """Return a socket listening on `host` and `port` (0: any free one), not yet answering.

    Raises FwdctlError where the address is taken or not ours, and where it can be reached from other machines
    while there is no `token`.
    """
    if token is None and not is_loopback(host):
        raise FwdctlError(
            f"the admin API would be open to everybody on {host}",
            hint="set FWDCTL_ADMIN_TOKEN (or write admin-token, mode 0600, in the data directory), "
            "or bind to 127.0.0.1",
        )
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise FwdctlError(
            f"the admin API can't listen on {host}:{port}: {error.strerror}",
            hint="another process has it, or the address is not of this machine: --admin HOST:PORT",
        ) from error


def is_loopback(host: str) -> bool:
    """Return True where `host` can be reached from this machine only; a name other than localhost can't be."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
