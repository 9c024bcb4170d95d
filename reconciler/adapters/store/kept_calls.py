"""Kept calls: what stations said while the owner was away, until the owner has it."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, delete, select

from reconciler.adapters.store import tables
from reconciler.adapters.store.section import Section
from reconciler.app.ports import KeptCall


class KeptCalls(Section):
    """One row per kept call."""

    async def keep_calls(self, calls: Sequence[KeptCall]) -> None:
        """Store these calls, all in one transaction; once it returns they survive a crash."""
        if calls:
            async with self._database.writing() as connection:
                batch = [tables.row(call) for call in calls]
                await connection.execute(tables.upsert(tables.kept_calls, connection.dialect), batch)

    async def forget_calls(self, calls: Sequence[tuple[str, int]]) -> None:
        """Delete kept calls by (charger, seq); harmless where they are gone."""
        if calls:
            table = tables.kept_calls
            one = and_(table.c.charger == bindparam("of_charger"), table.c.seq == bindparam("numbered"))
            batch = [{"of_charger": charger, "numbered": seq} for charger, seq in sorted(set(calls))]
            async with self._database.writing() as connection:
                await connection.execute(delete(table).where(one), batch)

    async def kept_calls(self) -> tuple[KeptCall, ...]:
        """Return every kept call, by charger and seq."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(tables.kept_calls))).mappings()
            return tuple(sorted((KeptCall(**found) for found in rows), key=lambda call: (call.charger, call.seq)))
