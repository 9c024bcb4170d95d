"""A server of HTTP whose door is open from the start; its libraries and routes are loaded once stations are let in.

They take as long to load as all the rest. Whoever asks meanwhile waits in the line of the socket.
"""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

if TYPE_CHECKING:
    from reconciler.adapters.admin_api.server import AdminServer


class LateServer:
    """Serves what `build` returns on `listening`, over TLS where `tls` names a certificate chain and its key."""

    def __init__(self, build: Callable[[], ASGIApp], listening: socket.socket, tls: tuple[Path, Path] | None) -> None:
        self._build = build
        self._listening = listening
        self._tls = tls
        self._server: AdminServer | None = None
        self._stopped = False

    async def run_until_stopped(self) -> None:
        """Load it in a thread, so that frames pass meanwhile, and serve until `stop`."""
        self._server = await asyncio.to_thread(self._loaded)
        if not self._stopped:
            await self._server.run_until_stopped()

    def stop(self) -> None:
        """Ask the server to stop; harmless when repeated."""
        self._stopped = True
        if self._server is not None:
            self._server.stop()

    def _loaded(self) -> "AdminServer":
        from reconciler.adapters.admin_api.server import AdminServer

        return AdminServer(self._build(), self._listening, self._tls)
