"""The examples against a real server that knows nothing: what `expected-plan.txt` of each has to say."""

import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from tests.golden import ROOT
from tests.support.server import running_server
from tests.support.server_process import Completed

SITE: Final = "site.yaml"
EXPECTED_PLAN: Final = "expected-plan.txt"
EXAMPLES: Final = sorted(file.parent for file in (ROOT / "examples").glob(f"*/{SITE}"))

_FILE_REFERENCE: Final = re.compile(r'fromFile: "?(?P<path>[^"}\s]+)')
_ENV_REFERENCE: Final = re.compile(r"fromEnv: (?P<name>\w+)")

Fwdctl = Callable[..., Awaitable[Completed]]


@contextlib.asynccontextmanager
async def empty_server(example: Path) -> AsyncIterator[Fwdctl]:
    """Run a server with nothing applied, but with every secret that the example refers to, from its directory.

    Yields what runs a verb against it.
    """
    text = (example / SITE).read_text(encoding="utf-8")
    environ = dict.fromkeys(_ENV_REFERENCE.findall(text), "anything that is long enough")
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(example):  # plans name files from where one is
        data = Path(scratch) / "data"
        for reference in _FILE_REFERENCE.finditer(text):
            secret = data / "secrets" / reference["path"]
            secret.parent.mkdir(parents=True, exist_ok=True)
            secret.write_text("anything that is long enough")
        async with running_server(data) as server:

            async def fwdctl(*arguments: str) -> Completed:
                return await server.fwdctl(*arguments, environ=environ)

            yield fwdctl


async def expected_plans() -> Mapping[str, str]:
    """Return path below the repository's root -> what `fwdctl plan -f site.yaml` prints there."""
    plans = {}
    for example in EXAMPLES:
        async with empty_server(example) as fwdctl:
            planned = await fwdctl("plan", "-f", SITE)
        assert planned.code == 0, planned.err
        plans[f"examples/{example.name}/{EXPECTED_PLAN}"] = planned.out
    return plans
