"""What a process of `serve --workers N` runs: it is told its place, says when it is ready, and ends with its parent."""

import asyncio
import os
import signal
import socket
import sys
from typing import Final

import structlog

from reconciler.adapters.logs import configure_logs
from reconciler.cli.serve import loop_factory, serve_until
from reconciler.cli.settings import ServeSettings
from reconciler.cli.workers.place import Place
from reconciler.cli.workers.process import READY
from reconciler.errors import FwdctlError

_STDIN: Final = 0
_STDOUT: Final = 1

_log = structlog.get_logger("serve")


def main() -> None:
    """Take the place that stdin tells; exit with its code."""
    place, settings = Place.told(_first_line(), _inherited)
    configure_logs(sys.stderr, worker=place.name)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(settings, place))
    except FwdctlError as error:
        _log.error("the process ends", reason=error.summary, hint=error.hint)
        sys.exit(error.exit_code)


async def _serve(settings: ServeSettings, place: Place) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # until it has certificates to read again
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(_STDIN, _orphaned, stop)
    await serve_until(stop, settings, place, ready=lambda _up: _say_ready())


def _orphaned(stop: asyncio.Event) -> None:
    """Stop in good order: the supervisor is gone, and nobody else would start or stop this process."""
    asyncio.get_running_loop().remove_reader(_STDIN)
    _log.error("the supervisor is gone")
    stop.set()


def _say_ready() -> None:
    os.write(_STDOUT, READY)


def _first_line() -> bytes:
    with open(_STDIN, "rb", buffering=0, closefd=False) as orders:
        return orders.readline()


def _inherited(descriptor: int) -> socket.socket:
    return socket.socket(fileno=descriptor)
