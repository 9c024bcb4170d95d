"""The database: connections, transactions and who may write when, the same for SQLite and PostgreSQL.

| | SQLite | PostgreSQL |
|---|---|---|
| reading | BEGIN (a snapshot, never waits: WAL) | REPEATABLE READ, READ ONLY |
| writing | BEGIN IMMEDIATE: one writer at a time | READ COMMITTED after the turn's advisory lock |
| durable | synchronous=FULL: a commit that returned survives a power cut | as the server is set up |
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from reconciler.adapters.store.faults import explained
from reconciler.adapters.store.location import Location, PostgresDatabase, SqliteFile

_BUSY_TIMEOUT_S: Final = 30.0
_CONNECT_TIMEOUT_S: Final = 10.0
_COMMAND_TIMEOUT_S: Final = 60.0
_BEGIN: Final = "fwdctl_begin"


class Turn(IntEnum):
    """What only one transaction at a time may change; the values are PostgreSQL advisory lock keys, never reused."""

    SCHEMA = 0x6677646300
    RESOURCES = 0x6677646301
    OVERRIDES = 0x6677646302
    APPLY_LOCK = 0x6677646303
    DUTIES = 0x6677646304
    ASKS = 0x6677646350


class Database:
    """One database, open; every failure inside its transactions comes out as a FwdctlError."""

    @classmethod
    async def open(cls, location: Location) -> "Database":
        """Return the database at `location`; a SQLite file is made where there is none. Connections come when used."""
        if isinstance(location, SqliteFile):
            with explained(location):
                await asyncio.to_thread(_prepare, location.path)
        return cls(location)

    def __init__(self, location: Location) -> None:
        self.location: Final = location
        self._on_sqlite = isinstance(location, SqliteFile)
        # SQLite's own queue for writers is a busy loop; within this process they wait in line instead.
        self._one_writer = asyncio.Lock() if self._on_sqlite else nullcontext()
        if isinstance(location, SqliteFile):
            self._writer = _sqlite_engine(location)
            self._reader = self._writer.execution_options(**{_BEGIN: "BEGIN"})
        else:
            self._writer = _postgres_engine(location)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that sees one consistent snapshot and may not write."""
        with explained(self.location):
            async with self._reader.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, turn: Turn | None = None) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction, committed at the end and rolled back on any exception.

        With a `turn`, nobody else changes what the turn is about until then, on any node: what is read inside
        still holds when it is written.
        """
        with explained(self.location):
            async with self._one_writer, self._writer.begin() as connection:
                if turn is not None and not self._on_sqlite:
                    await connection.execute(select(func.pg_advisory_xact_lock(int(turn))))
                yield connection

    async def close(self) -> None:
        """Close every connection; harmless when repeated."""
        await self._writer.dispose()


def _sqlite_engine(location: SqliteFile) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(location.path)),
        connect_args={"timeout": _BUSY_TIMEOUT_S},
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions; `begin` below does
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that turns from reading to writing fails at once when another one has written.
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))

    @event.listens_for(engine.sync_engine, "invalidate")
    def roll_back(connection: Any, _record: object, _error: object) -> None:
        # A cancelled transaction: the connection is closed next, but SQLite goes on holding its lock for as long as
        # anything (a traceback, say) refers to one of its cursors.
        connection.rollback()

    return engine


def _prepare(path: Path) -> None:
    """Make the file, and its directory where there is none, for this user only; -wal and -shm take the file's mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    give_up_at_s = time.monotonic() + _BUSY_TIMEOUT_S
    with closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")  # stays with the file
                return
            except sqlite3.OperationalError as error:
                # Of two processes that switch a new file at once, SQLite fails one without waiting.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at_s:
                    raise
                time.sleep(0.01)


def _postgres_engine(location: PostgresDatabase) -> AsyncEngine:
    import asyncpg  # here, as a server on SQLite starts without it

    async def connect() -> Any:
        # By DSN, so that everything libpq knows about URLs, PG* variables and password files holds here too.
        return await asyncpg.connect(
            location.dsn,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_COMMAND_TIMEOUT_S,
            server_settings={"application_name": "fwdctl"},
        )

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        hide_parameters=True,
    )
