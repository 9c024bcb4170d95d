"""Sealed legs: what back-ends have set on their legs, encrypted."""

from collections.abc import Sequence

from sqlalchemy import Column, LargeBinary, Table, select

from reconciler.adapters.store import tables
from reconciler.adapters.store.section import Section
from reconciler.app.sealing import SealedLeg

sealed_legs = Table(
    "sealed_legs",
    tables.metadata,
    Column("charger", tables.PlainText, primary_key=True),
    Column("backend", tables.PlainText, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed_at", tables.Instant, nullable=False),
)


class SealedLegs(Section):
    """One row per leg that its back-end has changed, rewritten whole."""

    async def put_sealed_legs(self, legs: Sequence[SealedLeg]) -> None:
        """Write these, all in one transaction, each in place of the same leg's last."""
        if legs:
            batch = [tables.row(leg) for leg in sorted(legs, key=lambda leg: (leg.charger, leg.backend))]
            async with self._database.writing() as connection:
                await connection.execute(tables.upsert(sealed_legs, connection.dialect), batch)

    async def sealed_leg(self, charger: str, backend: str) -> SealedLeg | None:
        """Return one, None where there is none."""
        one = (sealed_legs.c.charger == charger) & (sealed_legs.c.backend == backend)
        async with self._database.reading() as connection:
            found = (await connection.execute(select(sealed_legs).where(one))).mappings().first()
        return None if found is None else SealedLeg(**found)

    async def sealed_legs(self) -> tuple[SealedLeg, ...]:
        """Return all, by charger and back-end."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(sealed_legs))).mappings()
            found = [SealedLeg(**each) for each in rows]
        return tuple(sorted(found, key=lambda leg: (leg.charger, leg.backend)))
