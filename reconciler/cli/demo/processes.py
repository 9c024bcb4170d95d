"""Real processes: a `fwdctl serve` on free ports, and other verbs that talk to it as a person's would."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from reconciler.adapters.data_dir import ANNOUNCEMENT
from reconciler.errors import FwdctlError

READY_WITHIN_S: Final = 30.0
STOPPED_WITHIN_S: Final = 25.0
_LOG_LINES: Final = 20
_FWDCTL: Final = (sys.executable, "-c", "from reconciler.cli.main import main; main()")


class Said(msgspec.Struct, frozen=True):
    """What a command said on stdout and stderr, in the order in which a terminal shows it, and its exit code."""

    code: int
    text: str


class Server:
    """A `fwdctl serve` for the block, with its data below `directory`, where the verbs run, too."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self.url = ""
        self.stations_url = ""
        self.ended = asyncio.Event()
        self._directory = directory
        self._environ = {name: value for name, value in environ.items() if not name.startswith("FWDCTL_")}
        self._log: deque[str] = deque(maxlen=_LOG_LINES)

    async def __aenter__(self) -> Self:
        """Start it and wait until it is ready; raises FwdctlError with the end of its log where it never is."""
        data = self._directory / "data"
        arguments = ("serve", "--data", str(data), "--stations", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        self._process = await self._start(*arguments, stdout=DEVNULL, stderr=PIPE)
        self._reading = asyncio.ensure_future(self._read_log(ready := asyncio.Event()))
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await ready.wait()
            facts = json.loads((data / ANNOUNCEMENT).read_text())
        except (TimeoutError, OSError) as error:
            await self._stop()
            raise FwdctlError(f"fwdctl serve did not start: {''.join(self._log) or error}") from error
        self.url, self.stations_url = facts["admin"], facts["stations"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        await self._stop()

    @property
    def log(self) -> str:
        """Return the last lines of its log."""
        return "".join(self._log)

    async def fwdctl(self, *arguments: str) -> Said:
        """Run a verb to its end, in the directory of the site, against this server."""
        process = await self._start(*arguments, stdout=PIPE, stderr=STDOUT)
        try:
            text, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            raise
        return Said(process.returncode or 0, text.decode())

    async def _start(self, *arguments: str, stdout: int, stderr: int) -> Process:
        return await asyncio.create_subprocess_exec(
            *_FWDCTL,
            *arguments,
            cwd=self._directory,
            env=self._environ | {"FWDCTL_URL": self.url or "http://127.0.0.1"},
            stdin=DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )

    async def _read_log(self, ready: asyncio.Event) -> None:
        """Keep the log's last lines until the process ends; `ready` is set when it says so, or will never."""
        assert self._process.stderr is not None
        while line := (await self._process.stderr.readline()).decode():
            self._log.append(line)
            if " ready: " in line:
                ready.set()
        ready.set()
        self.ended.set()

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOPPED_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self._process.wait()
        await self._reading


def child_environ(*, colour: bool, columns: int) -> dict[str, str]:
    """Return the environment of commands whose output is shown here: coloured, and as wide, as here."""
    environ = dict(os.environ) | {"COLUMNS": str(columns), "PYTHONUNBUFFERED": "1"}
    return environ | {"FORCE_COLOR": "1"} if colour else environ
