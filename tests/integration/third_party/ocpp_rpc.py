"""Drives stations and CSMSs of the npm package `ocpp-rpc` in a Node process (`ends.cjs`); installs it once."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
OLDEST_NODE = 18
PATIENCE_S = 20.0


def node() -> str:
    """Return Node's path; skips the module where there is none, but fails in CI, which must not do without."""
    path, npm = shutil.which("node"), shutil.which("npm")
    if path and npm:
        version = re.match(r"v(\d+)", subprocess.run([path, "--version"], capture_output=True, text=True).stdout)
        if version and int(version[1]) >= OLDEST_NODE:
            return path
    why = f"needs Node {OLDEST_NODE} or newer with npm: apt-get install nodejs npm"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why, allow_module_level=True)


def install() -> None:
    """Install what package-lock.json pins beside it, unless that is there already."""
    wanted = json.loads((HERE / "package-lock.json").read_text())["packages"]["node_modules/ocpp-rpc"]["version"]
    installed = HERE / "node_modules" / "ocpp-rpc" / "package.json"
    if installed.exists() and json.loads(installed.read_text())["version"] == wanted:
        return
    done = subprocess.run(["npm", "ci"], cwd=HERE, capture_output=True, text=True, timeout=100)
    if done.returncode != 0:
        pytest.fail(f"npm ci in {HERE.name} failed:\n{done.stderr}")


class CallRefused(Exception):
    """A CALL was answered with a CALLERROR, or `ocpp-rpc` found fault with one of its payloads."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


class Ends:
    """The Node process; its events in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[dict[str, Any]] = []
        self._process = process
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._bell = asyncio.Condition()

    async def read(self) -> None:
        """Take what the process says until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "event" not in said:
                self._open.pop(said["id"]).set_result(said)
                continue
            async with self._bell:
                self.events.append(said)
                self._bell.notify_all()

    async def ask(self, do: str, **order: Any) -> Any:
        """Have something done and return its result; raises CallRefused."""
        number = next(self._numbers)
        answer = self._open[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "do": do, **order}).encode() + b"\n")
        async with asyncio.timeout(PATIENCE_S):
            said = await answer
        if "error" in said:
            raise CallRefused(said["error"]["code"], said["error"]["reason"])
        return said.get("result")

    async def until(self, fact: Callable[[], bool], what: str) -> None:
        """Wait until the events make `fact` true."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._bell:
                await self._bell.wait_for(fact)
        except TimeoutError:
            raise AssertionError(f"waited {PATIENCE_S:g} s for {what}; events: {self.events}") from None

    def of(self, kind: str, end: str | None = None) -> list[dict[str, Any]]:
        """Return the events of a kind, of one end where one is named."""
        return [event for event in self.events if event["event"] == kind and end in (None, event["end"])]


class End:
    """One end: a station, or a CSMS with the last connection made to it."""

    def __init__(self, ends: Ends, name: str) -> None:
        self._ends = ends
        self.name = name

    async def call(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Make a CALL and return the answer's payload; raises CallRefused."""
        answer = await self._ends.ask("call", end=self.name, action=action, payload=payload)
        assert isinstance(answer, dict)
        return answer

    @property
    def seen(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the CALLs it got, in order: action, payload."""
        return [(event["action"], event["payload"]) for event in self._ends.of("call", self.name)]

    @property
    def actions(self) -> list[str]:
        """Return their actions."""
        return [action for action, _ in self.seen]

    async def saw(self, action: str, count: int = 1) -> dict[str, Any]:
        """Wait for the `count`th CALL of an action and return its payload."""
        what = f"{action} no. {count} at {self.name}"
        await self._ends.until(lambda: self.actions.count(action) >= count, what)
        return [payload for said, payload in self.seen if said == action][count - 1]

    async def close(self) -> None:
        """Close its connection."""
        await self._ends.ask("close", end=self.name)


class Csms(End):
    """A CSMS on a port of its own."""

    url = ""


@asynccontextmanager
async def ocpp_rpc_ends() -> AsyncIterator[Ends]:
    """Run a Node process for ends."""
    process = await asyncio.create_subprocess_exec(
        node(), "ends.cjs", cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**22
    )
    ends = Ends(process)
    reading = asyncio.get_running_loop().create_task(ends.read())
    try:
        yield ends
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()
        with contextlib.suppress(asyncio.CancelledError):
            await reading


async def csms(ends: Ends, name: str, version: str, answers: Mapping[str, Any], **secured: Any) -> Csms:
    """Start a strict CSMS that answers as told; `secured`: `password`, and `tls` as Node's https has its options."""
    started = await ends.ask("csms", end=name, version=version, answers=answers, **secured)
    end = Csms(ends, name)
    scheme, host = ("wss", "localhost") if "tls" in secured else ("ws", "127.0.0.1")
    end.url = f"{scheme}://{host}:{started['port']}/ocpp"
    return end


async def station(
    ends: Ends, name: str, version: str, url: str, identity: str, answers: Mapping[str, Any], **secured: Any
) -> End:
    """Connect a strict station that answers commands as told; `secured` as for a CSMS."""
    connected = await ends.ask(
        "station", end=name, version=version, url=url, identity=identity, answers=answers, **secured
    )
    assert connected == {"protocol": version}
    return End(ends, name)
