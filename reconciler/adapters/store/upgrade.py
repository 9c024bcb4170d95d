"""Runs the migrations that a database lacks; only here is Alembic, which takes a while to load."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from reconciler.errors import FwdctlError

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, present: frozenset[str], shown: str) -> None:
    """Bring a database whose schema is `present` to this code's, in the transaction of `connection`.

    Raises FwdctlError where a newer fwdctl made that schema; `shown` is the database in words.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if unknown := sorted(present - known):
        raise FwdctlError(
            f"{shown}: the database was written by a newer fwdctl (its schema is {', '.join(unknown)})",
            hint="run that version or a newer one; to go back, restore the backup made before the upgrade",
        )
    command.upgrade(config, "head")
