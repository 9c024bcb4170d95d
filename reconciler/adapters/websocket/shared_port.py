"""One address for the stations of several workers: a listening socket each, between which the kernel spreads them.

The sockets are opened and held by whoever supervises the workers. So what waits in the queue of a worker that dies is
still there for the one that takes its place.
"""

import socket
import sys
from typing import Self

from reconciler.adapters.websocket.tls_entrance import BACKLOG, listen_at
from reconciler.errors import FwdctlError


class SharedPort:
    """An address that was free, and a listening socket of each worker on it."""

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        self._host = host
        self._sockets: dict[str, socket.socket] = {}

    @classmethod
    def at(cls, host: str, port: int) -> Self:
        """Return the address, `port` 0 being any free one. Raises FwdctlError where it can't be had."""
        if not sys.platform.startswith("linux"):
            raise FwdctlError(
                "several workers need Linux: elsewhere the kernel does not spread connections over them",
                hint="leave --workers out, or start several servers behind a TCP load balancer",
            )
        try:
            # By itself first: two sockets that both want to share would not see that they are of different servers.
            with listen_at(host, port) as alone:
                return cls(host, int(alone.getsockname()[1]))
        except OSError as error:
            raise FwdctlError(
                f"can't listen for stations on {host}:{port}: {error.strerror or error}",
                hint="choose another address or port, or stop what uses it",
            ) from error

    def of(self, worker: str) -> socket.socket:
        """Return the worker's socket, the same one again until it is closed. Raises OSError."""
        found = self._sockets.get(worker)
        if found is None:
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            found = socket.create_server((self._host, self.port), family=family, backlog=BACKLOG, reuse_port=True)
            self._sockets[worker] = found
        return found

    def close(self, worker: str) -> None:
        """Have the kernel give stations to the others; who waits in this worker's queue is reset."""
        found = self._sockets.pop(worker, None)
        if found is not None:
            found.close()

    def close_all(self) -> None:
        """Let nobody in any more but through sockets that workers have open themselves."""
        for worker in list(self._sockets):
            self.close(worker)
