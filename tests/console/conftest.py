"""One browser for each test process, and one scene for each module that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.console.browser import running_browser
from tests.console.scene import Scene, scene


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A browser without any memory."""
    async with running_browser() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def depot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The whole scene, for tests that leave it as they found it."""
    async with scene(Path(tmp_path_factory.mktemp("depot"))) as running:
        yield running
