"""A real `fwdctl serve` in a process of its own, and the command line as people type it."""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

from reconciler.cli import exits, main

ROOT = Path(__file__).parent.parent.parent
READY_WITHIN_S = 60.0


@dataclass(frozen=True)
class Completed:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed, as JSON data."""
        return json.loads(self.out)

    @property
    def events(self) -> list[Any]:
        """Return the stream of JSON objects that it printed, a line each."""
        return [json.loads(line) for line in self.out.splitlines()]


def clean_environ() -> dict[str, str]:
    """Return this process's environment without FWDCTL_ variables, and with a wide terminal."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FWDCTL_")} | {"COLUMNS": "200"}


async def fwdctl(*arguments: str | Path, environ: Mapping[str, str] | None = None, stdin: str = "") -> Completed:
    """Run one command to its end; nothing of the caller's FWDCTL_ variables reaches it."""
    process = await start(*arguments, environ=environ, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Completed(process.returncode, out.decode(), err.decode())


async def start(
    *arguments: str | Path,
    environ: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Start a command, with its stderr in a pipe unless told otherwise."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from reconciler.cli.main import main; main()",
        *map(str, arguments),
        cwd=ROOT,
        env={**clean_environ(), **(environ or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


async def fwdctl_here(*arguments: str | Path, environ: Mapping[str, str] | None = None, stdin: str = "") -> Completed:
    """Run one command like `fwdctl`, in a thread of this process: the same code, without half a second to start it.

    One at a time, as it writes to the process's own stdout.
    """
    return await asyncio.to_thread(_called, [str(argument) for argument in arguments], environ or {}, stdin)


def _called(arguments: list[str], variables: Mapping[str, str], stdin: str) -> Completed:
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {**clean_environ(), **variables}, clear=True),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = exits.run(main.app, arguments)
    return Completed(code, out.getvalue(), err.getvalue())


class ServerProcess:
    """`fwdctl serve` on free ports over `data`; started and stopped as a context manager, or by hand."""

    def __init__(self, data: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.url = ""
        self.stations_url = ""
        self.ready_line = ""
        self._arguments = arguments
        self._environ = environ
        self._log: list[str] = []

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, with its log in the test's output where the test failed."""
        if self._process.returncode is None:
            await self.stop()
        if error is not None:
            sys.stderr.write("".join(self._log))

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def children(self) -> list[int]:
        """Return the processes that it has started and that are there, in the order in which they were started."""
        return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    @property
    def log(self) -> list[str]:
        """Return the lines that it has logged, those of its processes too."""
        return list(self._log)

    async def start(self) -> None:
        """Start it (again) and wait until it says that it is ready."""
        self._process = await start(
            *("serve", "--data", self.data, "--stations", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
            *self._arguments,
            environ=self._environ,
        )
        assert self._process.stderr is not None
        self.ready_line = ""
        async with asyncio.timeout(READY_WITHIN_S):
            while " ready: " not in self.ready_line:
                self.ready_line = (await self._process.stderr.readline()).decode()
                self._log.append(self.ready_line)
                assert self.ready_line, f"the server did not start: {''.join(self._log)}"
        self._draining = asyncio.ensure_future(self._drain(self._process.stderr))
        facts = json.loads((self.data / "serve.json").read_text())
        self.url, self.stations_url = facts["admin"], facts["stations"]

    async def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await self._ended()

    async def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._process.kill()
        await self._ended()

    async def fwdctl(
        self, *arguments: str | Path, environ: Mapping[str, str] | None = None, stdin: str = ""
    ) -> Completed:
        """Run a command against this server."""
        return await fwdctl_here(*arguments, environ={"FWDCTL_URL": self.url, **(environ or {})}, stdin=stdin)

    async def apply(self, *arguments: str | Path) -> Completed:
        """Apply without being asked; it must succeed."""
        done = await self.fwdctl("apply", "--auto-approve", *arguments)
        assert done.code == 0, done.err
        return done

    async def until_gone(self, *processes: int) -> None:
        """Wait until none of these processes is there."""
        async with asyncio.timeout(20):
            while any(map(_is_alive, processes)):  # noqa: ASYNC110 - nothing tells of the end of somebody else's child
                await asyncio.sleep(0.05)

    async def _ended(self) -> int:
        code = await self._process.wait()
        await self._draining
        return code

    async def _drain(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self._log.append(line.decode())


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
