"""A server whose routes come late: who asks meanwhile is answered, and it stops at any time."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from reconciler.cli.console_parts import BuiltLater
from reconciler.cli.late_server import LateServer

HELLO = PlainTextResponse("hello")


class Slow:
    """Builds an application once it is let, and knows how often it began to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_go_on = threading.Event()

    def __call__(self) -> ASGIApp:
        """Return the application."""
        self.begun += 1
        assert self.may_go_on.wait(10)
        return HELLO


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


async def asked(listening: socket.socket) -> bytes:
    """Ask for / and return the whole answer."""
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_who_asks_before_the_routes_are_there_waits_and_is_answered(listening: socket.socket) -> None:
    build = Slow()
    server = LateServer(build, listening, None)
    serving = asyncio.create_task(server.run_until_stopped())
    asking = asyncio.create_task(asked(listening))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done

    build.may_go_on.set()
    assert (await asking).endswith(b"hello")
    server.stop()
    await serving


async def test_it_stops_where_the_routes_are_not_there_yet(listening: socket.socket) -> None:
    build = Slow()
    server = LateServer(build, listening, None)
    serving = asyncio.create_task(server.run_until_stopped())
    await asyncio.sleep(0)
    server.stop()
    build.may_go_on.set()

    await asyncio.wait_for(serving, 10)


async def test_a_server_that_cannot_be_built_says_why(listening: socket.socket) -> None:
    def build() -> ASGIApp:
        raise ValueError("two routes of one name")

    with pytest.raises(ValueError, match="two routes"):
        await LateServer(build, listening, None).run_until_stopped()


async def test_an_application_is_built_once_for_those_who_come_at_once() -> None:
    build = Slow()
    build.may_go_on.set()
    later = BuiltLater(build)
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: object) -> None:
        sent.append(message)

    await asyncio.gather(*(later({"type": "http", "method": "GET"}, receive, send) for _ in range(3)))

    assert build.begun == 1
    assert len(sent) == 6
