"""Hints between nodes over PostgreSQL's LISTEN and NOTIFY: soon and mostly, on a connection of their own.

Never in a transaction that writes (a commit with NOTIFY waits for every other such commit), and only ever a hint.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import asyncpg

from reconciler.adapters.store.location import PostgresDatabase
from reconciler.app.tasks import Report

_CHANNEL: Final = "fwdctl"
_HEARTBEAT_S: Final = 5.0
"""A listening connection can die in silence; asked something, it says so."""
_RETRY_S: Final = 2.0
_GATHER_S: Final = 0.02
_TIMEOUT_S: Final = 10.0


class PostgresHints:
    """Implements `Hints`."""

    def __init__(self, database: PostgresDatabase, complain: Report) -> None:
        self._database = database
        self._listeners: list[Callable[[str], None]] = []
        self._complain = complain
        self._to_tell: set[str] = set()
        self._wake = asyncio.Event()

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with what any node tells, this one too."""
        self._listeners.append(listener)

    def tell(self, what: str) -> None:
        """Tell all nodes, soon."""
        self._to_tell.add(what)
        self._wake.set()

    async def run(self) -> None:
        """Listen and tell for ever, connecting again where the connection breaks."""
        while True:
            try:
                await self._connected()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self._complain("hints", error)
            await asyncio.sleep(_RETRY_S)

    def _heard(self, what: str) -> None:
        for listener in self._listeners:
            listener(what)

    async def _connected(self) -> None:
        connection = await asyncpg.connect(
            self._database.dsn,
            timeout=_TIMEOUT_S,
            command_timeout=_TIMEOUT_S,
            server_settings={"application_name": "fwdctl hints"},
        )
        try:
            await connection.add_listener(_CHANNEL, lambda _connection, _pid, _channel, what: self._heard(what))
            self._heard("connected")  # whatever was told meanwhile
            while True:
                try:
                    async with asyncio.timeout(_HEARTBEAT_S):
                        await self._wake.wait()
                    await asyncio.sleep(_GATHER_S)
                except TimeoutError:
                    await connection.fetchval("SELECT 1")
                self._wake.clear()
                telling, self._to_tell = self._to_tell, set()
                for what in telling:
                    await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, what)
        finally:
            connection.terminate()
