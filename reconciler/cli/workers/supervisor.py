"""The supervisor: opens the doors, starts the front and the workers, starts again what ends, stops them all."""

import asyncio
import os
import signal
import socket
from contextlib import ExitStack
from functools import partial
from typing import Any, Final
from uuid import uuid4

import structlog
from msgspec.structs import replace

from reconciler import __version__
from reconciler.adapters.admin_api.door import bind_admin
from reconciler.adapters.data_dir import DataDirectory
from reconciler.adapters.store.location import PostgresDatabase, locate
from reconciler.adapters.websocket.shared_port import SharedPort
from reconciler.app.api_contract import FORMAT_VERSION
from reconciler.cli.file_exchange import listen_for_files
from reconciler.cli.output import say
from reconciler.cli.settings import Bind, ServeSettings
from reconciler.cli.workers.place import FRONT, Place
from reconciler.cli.workers.process import ServerProcess
from reconciler.errors import FwdctlError

WORKERS_MAX: Final = 64
STOP_WITHIN_S: Final = 25.0
"""Longer than a process takes that gives up on a part of its own."""

_log = structlog.get_logger("supervisor")


def check_workers(settings: ServeSettings) -> None:
    """Raise FwdctlError where the settings don't allow several workers."""
    if not 1 <= settings.workers <= WORKERS_MAX:
        raise FwdctlError(
            f"{settings.workers} workers", hint=f"1 to {WORKERS_MAX}; as many as the machine has processor cores"
        )
    if settings.workers > 1 and not isinstance(locate(settings.store, settings.data), PostgresDatabase):
        raise FwdctlError(
            f"{settings.workers} workers can't share a SQLite file: each is a node, and nodes meet in PostgreSQL",
            hint="--store postgresql://user:password@host/database, or leave --workers out",
        )


class Supervisor:
    """A server of several processes, from its doors to its end; `stack` closes what it opens."""

    def __init__(self, settings: ServeSettings, stack: ExitStack) -> None:
        """Open all doors. Raises FwdctlError for a directory or an address that can't be had."""
        check_workers(settings)
        self._directory = DataDirectory.claim(settings.data)
        stack.callback(self._directory.release)
        self._node = self._directory.node_id(lambda: str(uuid4()))
        self._ports: dict[str, SharedPort] = {}
        self._doors: dict[str, socket.socket] = {}
        self.urls: dict[str, str] = {}
        self._open_for_people(settings, stack)
        self._open_for_stations("stations", "ws", settings.stations)
        if settings.stations_tls is not None:
            self._open_for_stations("stations_tls", "wss", settings.stations_tls)
        for port in self._ports.values():
            stack.callback(port.close_all)
        names = [str(number) for number in range(1, settings.workers + 1)]
        told = replace(settings, files_url=self.urls["files"])
        self._front = ServerProcess(FRONT, partial(self._place_of_front, names), told, lambda: None)
        self._workers = [
            ServerProcess(name, partial(self._place_of, name), told, partial(self._shut, name)) for name in names
        ]
        self._has_tls = settings.stations_tls is not None

    async def run(self, stop: asyncio.Event) -> None:
        """Run everything until `stop`. Raises FwdctlError where it can't be started, or not stopped in time."""
        everybody = [self._front, *self._workers]
        keeping: list[asyncio.Task[None]] = []
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await _unless(stopping, self._start())
            if stop.is_set():
                return
            if self._has_tls:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
            keeping = [asyncio.ensure_future(process.keep()) for process in everybody]
            self._directory.announce(self._facts())
            doors = " and ".join(f"{self.urls[name]}/<identity>" for name in self._ports)
            say(
                f"fwdctl {__version__} ready: stations at {doors}, admin API at {self.urls['admin']}, "
                f"{len(self._workers)} workers"
            )
            await asyncio.wait([stopping, *keeping], return_when=asyncio.FIRST_COMPLETED)
            _log.info("stopping")
        finally:
            stopping.cancel()
            for port in self._ports.values():
                port.close_all()
            in_time = await asyncio.gather(*(process.stop(STOP_WITHIN_S) for process in everybody))
            for task in keeping:
                task.cancel()
            failures = await asyncio.gather(*keeping, return_exceptions=True)
        for failure in failures:
            if isinstance(failure, Exception):
                raise failure
        if not all(in_time):
            raise FwdctlError("a process did not stop in time, and was killed", hint="its log says what it was doing")

    async def _start(self) -> None:
        """Start the front, which makes what all share, then the workers."""
        await self._front.start()
        async with asyncio.TaskGroup() as starting:
            for worker in self._workers:
                starting.create_task(worker.start())

    def _open_for_people(self, settings: ServeSettings, stack: ExitStack) -> None:
        admin, tls = Bind.parse(settings.admin), settings.admin_tls
        token = self._directory.admin_token(os.environ)
        door = self._doors["admin"] = stack.enter_context(bind_admin(admin.host, admin.port, token=token, tls=tls))
        self.urls["admin"] = admin.url("https" if tls else "http", door.getsockname()[1])
        self.urls["files"] = settings.files_url
        if settings.files is not None:
            bind = Bind.parse(settings.files)
            door = self._doors["files"] = stack.enter_context(listen_for_files(bind))
            own = bind.url("https" if settings.files_tls else "http", door.getsockname()[1])
            self.urls["files"] = settings.files_url or own

    def _open_for_stations(self, name: str, scheme: str, address: str) -> None:
        bind = Bind.parse(address)
        port = self._ports[name] = SharedPort.at(bind.host, bind.port)
        self.urls[name] = bind.url(scheme, port.port)

    def _place_of_front(self, workers: list[str]) -> Place:
        return Place(FRONT, f"{self._node}-{FRONT}", self._doors, workers)

    def _place_of(self, worker: str) -> Place:
        return Place(worker, f"{self._node}-{worker}", {name: port.of(worker) for name, port in self._ports.items()})

    def _shut(self, worker: str) -> None:
        for port in self._ports.values():
            port.close(worker)

    def _reload(self) -> None:
        """Have every worker read its certificates again."""
        for worker in self._workers:
            worker.signal(signal.SIGHUP)

    def _facts(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "version": __version__,
            "pid": os.getpid(),
            "stations": self.urls["stations"],
            "stations_tls": self.urls.get("stations_tls", ""),
            "admin": self.urls["admin"],
            "files": self.urls["files"] if "files" in self._doors else "",
            "workers": len(self._workers),
        }


async def _unless(stopping: "asyncio.Future[Any]", work: Any) -> None:
    """Do `work`, or give it up once `stopping` is done."""
    task = asyncio.ensure_future(work)
    await asyncio.wait([stopping, task], return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return
    try:
        task.result()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
