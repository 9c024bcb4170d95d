"""Overrides: technicians' toggles, at most one in force per charger at any time.

A row is closed by whoever ends it: a person, a newer override, or `close_overrides` once its time is up.
"""

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import ColumnElement, RowMapping, and_, case, or_, select, update

from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import overrides, row, upsert
from reconciler.model.overrides import Override


class Overrides(Section):
    """Overrides by charger and time."""

    async def put_override(self, override: Override) -> None:
        """Store an override; one charger has at most one in force, an older one ends at the new one's start.

        Of two that overlap the later put wins, even over one that would start later. The same id again
        replaces it.
        """
        column = overrides.c
        overlapping = [column.charger == override.charger, column.id != override.id, _ends_after(override.start)]
        if override.until is not None:
            overlapping.append(column.start < override.until)
        end = case((column.start > override.start, column.start), else_=override.start)
        async with self._database.writing(Turn.OVERRIDES) as connection:
            await connection.execute(update(overrides).where(*overlapping).values(until=end, closed=True))
            await connection.execute(
                upsert(overrides, connection.dialect), row(override, roles=dict(override.roles), closed=False)
            )

    async def end_override(self, charger: str, at: datetime) -> Override | None:
        """End the charger's override and return it as ended, or None where it has none in force."""
        async with self._database.writing(Turn.OVERRIDES) as connection:
            found = await connection.execute(select(overrides).where(overrides.c.charger == charger, in_force(at)))
            ending = found.mappings().one_or_none()
            if ending is None:
                return None
            await connection.execute(
                update(overrides).where(overrides.c.id == ending["id"]).values(until=at, closed=True)
            )
            return replace(override_of(ending), until=at)

    async def close_overrides(self, at: datetime) -> tuple[Override, ...]:
        """Close the overrides whose time was up at `at`, and return them, by charger: each is returned only once."""
        async with self._database.writing(Turn.OVERRIDES) as connection:
            over = and_(overrides.c.until <= at, ~overrides.c.closed)
            rows = (await connection.execute(select(overrides).where(over))).mappings().all()
            await connection.execute(update(overrides).where(over).values(closed=True))
            return tuple(sorted((override_of(found) for found in rows), key=lambda override: override.charger))

    async def overrides(self, at: datetime) -> tuple[Override, ...]:
        """Return the overrides in force at `at`, by charger."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(overrides).where(in_force(at)))).mappings()
            return tuple(sorted((override_of(found) for found in rows), key=lambda override: override.charger))


def override_of(found: RowMapping) -> Override:
    """Return the override that a row of `overrides` holds."""
    return Override(**{name: value for name, value in found.items() if name != "closed"})


def in_force(at: datetime) -> ColumnElement[bool]:
    """Return `Override.holds_at` as a condition."""
    return and_(overrides.c.start <= at, _ends_after(at))


def _ends_after(at: datetime) -> ColumnElement[bool]:
    return or_(overrides.c.until.is_(None), overrides.c.until > at)
