"""A process of its own that works on a store, for tests that need several or one to kill.

Run as `python -m tests.support.store_process VERB URL [ARGUMENT]`: it says `ready`, waits for a line on its standard
input, opens the store, does VERB and prints the result.
"""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from reconciler.adapters.store import open_store
from reconciler.app.ports import ResourceWrite, RevisionMeta, Store
from reconciler.errors import LockHeld, StalePlan

EPOCH = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
META = RevisionMeta(at=EPOCH, actor="test")
ROOT = Path(__file__).parent.parent.parent
BULK = 2000
"""Resources that `commit` writes."""
COUNTER = "charger.counter"


class StoreProcess:
    """The process as its test sees it."""

    def __init__(self, verb: str, url: str, argument: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.store_process", verb, url, argument],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> str:
        """Wait for its next line and return it."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def go(self) -> None:
        """Let it begin; `ready` was read before."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._process.communicate()

    def end(self) -> int:
        """Wait for its end and return the exit code."""
        self._process.communicate()
        return self._process.returncode


def together(verb: str, url: str, *arguments: str) -> list[str]:
    """Run `verb` in one process per argument, begun at the same moment, and return what each printed."""
    processes = [StoreProcess(verb, url, argument) for argument in arguments]
    for process in processes:
        assert process.read() == "ready"
    for process in processes:
        process.go()
    printed = [process.read() for process in processes]
    assert [process.end() for process in processes] == [0] * len(processes)
    return printed


async def _open(store: Store, _argument: str) -> str:
    revision, _ = await store.resources()
    return str(revision)


async def _lock(store: Store, holder: str) -> str:
    try:
        await store.acquire_lock(holder, "a race", EPOCH, lease_s=60)
    except LockHeld:
        return "held"
    return "acquired"


async def _count(store: Store, name: str) -> str:
    """Increase the counter ten times, starting again after each conflict, and return the number of commits."""
    done = 0
    while done < 10:
        _, found = await store.resources()
        counter = next((resource for resource in found if resource.address == COUNTER), None)
        value, version = (counter.content["value"], counter.version) if counter else (0, 0)
        try:
            write = ResourceWrite(COUNTER, {"value": value + 1}, version)
            await store.commit_revision([write], META, f"{name}-{value + 1}")
            done += 1
        except StalePlan:
            continue
    return str(done)


async def _commit(store: Store, moment: str) -> str:
    """Write many resources, and hang right before or right after the COMMIT that makes them last."""

    def hang(_connection: Any) -> None:
        _say("hanging")
        sys.stdin.readline()

    if moment == "before":
        event.listen(Engine, "commit", hang)
    await store.commit_revision(bulk(2), META, "second")
    hang(None)
    return "not killed"


def bulk(number: int) -> list[ResourceWrite]:
    """Return the writes of the `number`-th bulk commit, counted from 1."""
    return [ResourceWrite(f"charger.c{index}", {"number": number}, number - 1) for index in range(BULK)]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _main(verb: str, url: str, argument: str) -> None:
    _say("ready")
    sys.stdin.readline()
    store = await open_store(url, ROOT)
    _say(await {"open": _open, "lock": _lock, "count": _count, "commit": _commit}[verb](store, argument))
    await store.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
