"""One browser for each test process, and one scene for each module that asks for it."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.console.browser import running_browser
from tests.console.scene import Scene, scene
from tests.integration.third_party.ocpp_rpc import node

AXE = Path(__file__).parent / "axe"


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


@pytest.fixture(scope="session")
def axe() -> str:
    """What axe-core is as a script; installed once, as package-lock.json beside it pins it."""
    node()
    script = AXE / "node_modules" / "axe-core" / "axe.min.js"
    wanted = json.loads((AXE / "package.json").read_text())["dependencies"]["axe-core"]
    installed = script.parent / "package.json"
    if not installed.exists() or json.loads(installed.read_text())["version"] != wanted:
        done = subprocess.run(["npm", "ci"], cwd=AXE, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
    return script.read_text()
