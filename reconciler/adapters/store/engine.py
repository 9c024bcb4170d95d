"""The database: connections, transactions and who may write when, the same for SQLite and PostgreSQL.

| | SQLite | PostgreSQL |
|---|---|---|
| reading | BEGIN (a snapshot, never waits: WAL) | REPEATABLE READ, READ ONLY |
| writing | BEGIN IMMEDIATE: one writer at a time | READ COMMITTED after the turn's advisory lock |
| durable | synchronous=FULL: a commit that returned survives a power cut | as the server is set up |
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from enum import IntEnum
from typing import Any, Final

import asyncpg
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


class Database:
    """One database, open; every failure inside its transactions comes out as a FwdctlError."""

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
    with explained(location):
        _create_private(location)
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(location.path)),
        connect_args={"timeout": _BUSY_TIMEOUT_S},
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions; `begin` below does
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
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


def _create_private(location: SqliteFile) -> None:
    """Make the file, and its directory where there is none, for this user only; -wal and -shm take the file's mode."""
    location.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(location.path, os.O_RDWR | os.O_CREAT, 0o600))
    if location.path.stat().st_mode & 0o077:
        location.path.chmod(0o600)


def _postgres_engine(location: PostgresDatabase) -> AsyncEngine:
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
