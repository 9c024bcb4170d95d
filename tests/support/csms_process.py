"""A CSMS in a process of its own, to be frozen (SIGSTOP) or killed: what no CSMS in the test's process can suffer.

Run as `python -m tests.support.csms_process NAME`: it prints its URL and lives until its standard input ends.
"""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.testing import SimulatedCsms

ROOT = Path(__file__).parent.parent.parent


class CsmsProcess:
    """The process as its test sees it; a frozen one is not woken, but killed in the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = ""

    async def __aenter__(self) -> Self:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.csms_process",
            self.name,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.url = (await self._process.stdout.readline()).decode().strip()
        assert self.url, "the CSMS did not start"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it, unless that was done before."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    def freeze(self) -> None:
        """Stop it in its tracks: its sockets stay open and nobody reads them."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()


async def _main(name: str) -> None:
    async with SimulatedCsms(name) as csms:
        sys.stdout.write(f"{csms.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
