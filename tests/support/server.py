"""A whole fwdctl in the test's own process, and its command line called in a thread: fast, and as real as can be."""

import logging
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from reconciler.adapters.logs import configure_logs
from reconciler.adapters.store.location import SQLITE_FILE
from reconciler.cli.composition import running
from reconciler.cli.settings import ServeSettings
from tests.support.migrated import lay_sqlite
from tests.support.server_process import Completed, fwdctl_here


@dataclass(frozen=True)
class Server:
    """A running server."""

    data: Path
    url: str
    stations_url: str

    async def fwdctl(
        self, *arguments: str | Path, environ: Mapping[str, str] | None = None, stdin: str = ""
    ) -> Completed:
        """Run a command against this server."""
        variables = {"FWDCTL_URL": self.url, **(environ or {})}
        return await fwdctl_here(*arguments, environ=variables, stdin=stdin)

    async def apply(self, *arguments: str | Path) -> Completed:
        """Apply without being asked; it must succeed."""
        done = await self.fwdctl("apply", "--auto-approve", *arguments)
        assert done.code == 0, done.err
        return done


@asynccontextmanager
async def running_server(data: Path, **settings_besides: Any) -> AsyncIterator[Server]:
    """Run a server on free ports over `data` for the block; `settings_besides` as in ServeSettings."""
    if "store" not in settings_besides:
        lay_sqlite(data / SQLITE_FILE)
    settings = ServeSettings(stations="127.0.0.1:0", admin="127.0.0.1:0", data=data, **settings_besides)
    with restored_logging():
        configure_logs(sys.stderr)  # the test's own: what commands print is caught apart from it
        async with running(settings) as up:
            yield Server(data, up.admin_url, up.doors.url)


@contextmanager
def restored_logging() -> Iterator[None]:
    """Leave logging after the block as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        structlog.reset_defaults()
