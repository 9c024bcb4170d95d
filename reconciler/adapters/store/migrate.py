"""Brings a database to the schema this code was written for, or refuses where a newer fwdctl was there first."""

import asyncio
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from reconciler.adapters.store.engine import Database, Turn
from reconciler.errors import FwdctlError

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "fwdctl_schema"
"""Not alembic's own name for it, which another application in the same database may use."""

# Alembic keeps the migration that runs in a global, and our statements await in between: one at a time in a process.
_turns: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()


async def migrate(database: Database) -> None:
    """Run the missing migrations in one transaction; processes that start together take turns.

    Raises FwdctlError where the database's schema is unknown to this code.
    """
    one_at_a_time = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with one_at_a_time, database.writing(Turn.SCHEMA) as connection:
        await connection.run_sync(_upgrade, str(database.location))


def _upgrade(connection: Connection, shown: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    present = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_heads()
    if unknown := [revision for revision in present if revision not in known]:
        raise FwdctlError(
            f"{shown}: the database was written by a newer fwdctl (its schema is {', '.join(unknown)})",
            hint="run that version or a newer one; to go back, restore the backup made before the upgrade",
        )
    if set(present) != set(script.get_heads()):
        command.upgrade(config, "head")
