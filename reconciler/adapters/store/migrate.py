"""Brings a database to the schema this code was written for, or refuses where a newer fwdctl was there first."""

import asyncio
import re
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, column, inspect, select, table

from reconciler.adapters.store.engine import Database, Turn

VERSION_TABLE: Final = "fwdctl_schema"
"""Not alembic's own name for it, which another application in the same database may use."""

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
_REVISION: Final = re.compile(r'^(down_)?revision = "(\w+)"', re.MULTILINE)

# Alembic keeps the migration that runs in a global, and our statements await in between: one at a time in a process.
_turns: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()


async def migrate(database: Database) -> None:
    """Run the missing migrations in one transaction; processes that start together take turns.

    Raises FwdctlError where the database's schema is unknown to this code.
    """
    one_at_a_time = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with one_at_a_time, database.writing(Turn.SCHEMA) as connection:
        await connection.run_sync(_upgrade, str(database.location))


def head_revisions() -> frozenset[str]:
    """Return the revisions that no migration of this code comes after: one, unless two were written at once."""
    found: dict[str, set[str]] = {"": set(), "down_": set()}
    for file in _VERSIONS.glob("*.py"):
        for down, revision in _REVISION.findall(file.read_text(encoding="utf-8")):
            found[down].add(revision)
    return frozenset(found[""] - found["down_"])


def _upgrade(connection: Connection, shown: str) -> None:
    present: frozenset[str] = frozenset()
    if inspect(connection).has_table(VERSION_TABLE):
        present = frozenset(connection.scalars(select(column("version_num")).select_from(table(VERSION_TABLE))))
    if present != head_revisions():
        from reconciler.adapters.store.upgrade import upgrade  # here, as a start seldom needs it, and it takes a while

        upgrade(connection, present, shown)
