"""Strangers: stations that knocked and are not declared, the newest of them."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import JSON, Column, Integer, Table, delete, select

from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import Instant, PlainText, metadata, row, upsert
from reconciler.app.strangers import REMEMBERED_MAX
from reconciler.model.live import Stranger

strangers: Final = Table(
    "strangers",
    metadata,
    Column("key", PlainText, primary_key=True),
    Column("identity", PlainText, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("profile", Integer, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("knocks", Integer, nullable=False),
)
"""`key` is the identity without regard to case."""


class Strangers(Section):
    """One row per identity."""

    async def note_strangers(self, knocked: Sequence[Stranger]) -> None:
        """Note that these knocked, `knocks` times since they were last noted; who knocked longest ago is forgotten."""
        rows = [row(one, key=one.identity.casefold(), versions=list(one.versions)) for one in knocked]
        if not rows:
            return
        oldest_kept = select(strangers.c.at).order_by(strangers.c.at.desc()).offset(REMEMBERED_MAX - 1).limit(1)
        async with self._database.writing() as connection:
            noted = upsert(strangers, connection.dialect, adding="knocks")
            await connection.execute(noted, sorted(rows, key=lambda one: str(one["key"])))
            limit = await connection.scalar(oldest_kept)
            if limit is not None:
                await connection.execute(delete(strangers).where(strangers.c.at < limit))

    async def strangers(self) -> tuple[Stranger, ...]:
        """Return them, who knocked longest ago first."""
        asked = select(strangers).order_by(strangers.c.at, strangers.c.key)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked)).mappings().all()
        return tuple(
            Stranger(found["identity"], tuple(found["versions"]), found["profile"], found["at"], found["knocks"])
            for found in rows
        )
