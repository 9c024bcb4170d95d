"""One process of the server: told its place over its stdin, said to be ready on its stdout, started again if it ends.

Its stdin stays open for as long as the supervisor lives: a process that reads its end belongs to nobody, and stops.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Final

import structlog

from reconciler.cli.settings import ServeSettings
from reconciler.cli.workers.backoff import Backoff
from reconciler.cli.workers.place import Place
from reconciler.errors import FwdctlError

READY: Final = b"ready\n"
KEEPS_DOOR_S: Final = 2.0
"""A process that will be back so soon keeps its queue; of a later one the kernel gives stations to the others."""

_log = structlog.get_logger("supervisor")


class ServerProcess:
    """Runs one place for as long as the server does."""

    def __init__(
        self, name: str, place: Callable[[], Place], settings: ServeSettings, shut: Callable[[], None]
    ) -> None:
        """`place` returns the place with its doors open; `shut` closes its door for stations, where it has one."""
        self.name: Final = name
        self._place = place
        self._settings = settings
        self._shut = shut
        self._backoff = Backoff()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises FwdctlError where it ends before."""
        place = self._place()
        descriptors = tuple(door.fileno() for door in place.doors.values())
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from reconciler.cli.workers.worker import main; main()"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C is the supervisor's, which passes it on once
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(place.orders(self._settings))
        if await process.stdout.readline() != READY:
            await process.wait()
            raise FwdctlError(f"{self.name} could not start", hint="its log, above, says why")

    async def keep(self) -> None:
        """Start it again whenever it ends, for ever."""
        clock = asyncio.get_running_loop().time
        up_since_s = clock()
        while True:
            assert self._process is not None
            code = await self._process.wait()
            if self._stopping:
                return
            delay_s = self._backoff.delay_s(clock() - up_since_s)
            _log.error("process ended", worker=self.name, code=code, again_in_s=delay_s)
            if delay_s > KEEPS_DOOR_S:
                self._shut()
            await asyncio.sleep(delay_s)
            up_since_s = clock()
            try:
                await self.start()
            except (FwdctlError, OSError) as error:
                _log.error("process not started", worker=self.name, reason=str(error))
                continue
            _log.info("process is back", worker=self.name, pid=self._process.pid)

    def signal(self, number: int) -> None:
        """Pass a signal on; a process that has ended gets none."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, within_s: float) -> bool:
        """Have it stop in good order; return False where it had to be killed after `within_s`."""
        self._stopping = True
        self.signal(signal.SIGTERM)
        if self._process is None:
            return True
        try:
            async with asyncio.timeout(within_s):
                await self._process.wait()
        except TimeoutError:
            _log.error("not stopped in time", worker=self.name, after_s=within_s)
            self.signal(signal.SIGKILL)
            await self._process.wait()
            return False
        return True
