"""Pauses: chargers that the controller leaves alone, at most one a charger."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import pauses, row, upsert
from reconciler.model.rollouts import Pause


class Pauses(Section):
    """Pauses by charger."""

    async def put_pauses(self, pauses_: Sequence[Pause]) -> None:
        """Store pauses; an older one of a charger is replaced."""
        async with self._database.writing() as connection:
            for pause in pauses_:
                await connection.execute(upsert(pauses, connection.dialect), row(pause))

    async def end_pauses(self, chargers: Sequence[str], at: datetime) -> tuple[Pause, ...]:
        """End the pauses in force at `at` of these chargers, and return them."""
        wanted = set(chargers)
        async with self._database.writing() as connection:
            ended = tuple(pause for pause in await pauses_of(connection, at) if pause.charger in wanted)
            for pause in ended:
                await connection.execute(delete(pauses).where(pauses.c.charger == pause.charger))
            return ended


async def pauses_of(connection: AsyncConnection, at: datetime) -> tuple[Pause, ...]:
    """Return the pauses in force at `at`, by charger."""
    rows = (await connection.execute(select(pauses).where(_in_force(at)))).mappings()
    return tuple(sorted((Pause(**found) for found in rows), key=lambda pause: pause.charger))


def _in_force(at: datetime) -> ColumnElement[bool]:
    """Return `Pause.holds_at` as a condition."""
    return and_(pauses.c.since <= at, or_(pauses.c.until.is_(None), pauses.c.until > at))
