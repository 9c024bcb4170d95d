"""A small HTTP server in a thread, for clients that block."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TypeVar


class LoopbackServer(HTTPServer):
    """Listens on a free port of loopback."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class QuietHandler(BaseHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""


AnyServer = TypeVar("AnyServer", bound=LoopbackServer)


@contextmanager
def serving(kind: type[AnyServer], handler: type[BaseHTTPRequestHandler]) -> Iterator[AnyServer]:
    """Have a server of this kind answer with this handler for the block."""
    with kind(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
