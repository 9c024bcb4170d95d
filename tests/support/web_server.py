"""A real HTTP server for tests: takes what is posted to it, and rings for each."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.testing.waiting import Bell


@dataclass(frozen=True)
class Posted:
    """One request; names of headers in lower case."""

    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON data."""
        return json.loads(self.content)


@dataclass
class WebServer:
    """What was posted; `status` is the answer to all of it."""

    port: int = 0
    posted: list[Posted] = field(default_factory=list)
    status: int = 204
    body: bytes = b""
    bell: Bell = field(default_factory=Bell)

    @property
    def url(self) -> str:
        """Return how to reach it."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, keep it and answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        content = await reader.readexactly(int(headers["content-length"]))
        self.posted.append(Posted(headers, content))
        length = len(self.body)
        writer.write(f"HTTP/1.1 {self.status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode())
        writer.write(self.body)
        await writer.drain()
        writer.close()
        self.bell.ring()


@asynccontextmanager
async def web_server() -> AsyncIterator[WebServer]:
    """Run one for the block."""
    found = WebServer()
    listening = await asyncio.start_server(found.take, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        listening.close()
        await listening.wait_closed()
