"""The examples against a real server that knows nothing: what `expected-plan.txt` of each has to say."""

import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from tests.golden import ROOT
from tests.support.server import Server, running_server

EXAMPLES: Final = ROOT / "examples"
SITE: Final = "site.yaml"
EXPECTED_PLAN: Final = "expected-plan.txt"

_FILE_REFERENCE: Final = re.compile(r'fromFile: "?(?P<path>[^"}\s]+)')
_ENV_REFERENCE: Final = re.compile(r"fromEnv: (?P<name>\w+)")


def examples() -> list[Path]:
    """Return the directories of all examples."""
    return sorted(file.parent for file in EXAMPLES.glob(f"*/{SITE}"))


@contextlib.asynccontextmanager
async def server_for(example: Path) -> AsyncIterator[Server]:
    """Run a server with nothing applied that has every secret which the example refers to; enter its directory."""
    text = (example / SITE).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        data = Path(scratch) / "data"
        for reference in _FILE_REFERENCE.finditer(text):
            secret = data / "secrets" / reference["path"]
            secret.parent.mkdir(parents=True, exist_ok=True)
            secret.write_text("anything")
        stack.enter_context(environment({name: "anything" for name in _ENV_REFERENCE.findall(text)}))
        stack.enter_context(contextlib.chdir(example))  # positions in plans are relative to where one is
        async with running_server(data) as server:
            yield server


@contextlib.contextmanager
def environment(variables: Mapping[str, str]):
    ...


async def plan_text(example: Path) -> str:
    """Return what `fwdctl plan -f site.yaml` prints in the directory of an example, with nothing applied."""
    async with server_for(example) as server:
        planned = await server.fwdctl("plan", "-f", SITE)
    assert planned.code == 0, planned.err
    return planned.out


async def expected_plans() -> Mapping[str, str]:
    """Return path below the repository's root -> the text it is to have."""
    return {f"examples/{example.name}/{EXPECTED_PLAN}": await plan_text(example) for example in examples()}
