"""Every async test here runs on asyncio's own loop and on uvloop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvloop

from reconciler.adapters.websocket import StationListener
from tests.integration.websocket.certificates import Authority
from tests.integration.websocket.support import BRISK, Gate

Opener = Callable[..., Awaitable[StationListener]]


def pytest_asyncio_loop_factories(config: Any, item: Any) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tell pytest-asyncio which loops to run on."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def listen() -> AsyncIterator[Opener]:
    """Return a function that starts a listener on loopback, and stop it after the test."""
    async with AsyncExitStack() as stack:

        async def start(gate: Gate, **options: Any) -> StationListener:
            listener = StationListener(gate, host="127.0.0.1", port=0, **({"limits": BRISK} | options))
            await listener.start()
            stack.push_async_callback(listener.stop)
            return listener

        yield start


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return a certificate authority that lives as long as the tests."""
    return Authority("fwdctl test CA")
