"""Outages begun by hand, what became of single openings, failovers; and all that changes roles in one snapshot."""

from datetime import datetime

from sqlalchemy import RowMapping, delete, select

from reconciler.adapters.store.overrides import in_force, override_of
from reconciler.adapters.store.pauses import pauses_of
from reconciler.adapters.store.retained import refuse_forgotten_interventions
from reconciler.adapters.store.rollouts import holds_of
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import begun_outages, failovers, outage_adjustments, overrides, row, upsert
from reconciler.model.desired import FlipPolicy
from reconciler.model.failovers import Failover
from reconciler.model.interventions import Interventions
from reconciler.model.outages import Adjustment, Notice, Outage
from reconciler.model.windows import Window


class Outages(Section):
    """What changes roles besides specs and technicians."""

    async def interventions(self, at: datetime) -> Interventions:
        """Return everything that changes roles besides specs, of one moment; overrides only those in force at `at`.

        Raises NotKept where it is forgotten what was in force then.
        """
        async with self._database.reading() as connection:
            await refuse_forgotten_interventions(connection, at)
            held = (await connection.execute(select(overrides).where(in_force(at)))).mappings().all()
            begun = (await connection.execute(select(begun_outages))).mappings().all()
            failed = (await connection.execute(select(failovers))).mappings().all()
            adjusted = (await connection.execute(select(outage_adjustments))).mappings().all()
            holds, pauses = await holds_of(connection), await pauses_of(connection, at)
        return Interventions(
            tuple(sorted((override_of(found) for found in held), key=lambda override: override.charger)),
            tuple(sorted((_outage(found) for found in begun), key=lambda outage: outage.name)),
            tuple(sorted((Adjustment(**found) for found in adjusted), key=lambda found: (found.opening, found.outage))),
            tuple(sorted((Failover(**found) for found in failed), key=lambda found: (found.charger, found.backend))),
            holds,
            pauses,
        )

    async def begin_outage(self, outage: Outage) -> None:
        """Store an outage begun by hand; its window opens once. The same name again replaces it."""
        begun = {
            "name": outage.name,
            "chargers": list(outage.chargers),
            "roles": dict(outage.roles),
            "start": outage.window.start,
            "duration_s": outage.window.duration_s,
            "zone": outage.window.zone,
            "open_transaction": outage.flip.open_transaction if outage.flip is not None else None,
            "told": list(outage.notice.to) if outage.notice is not None else [],
            "reason": outage.reason,
            "actor": outage.actor,
        }
        async with self._database.writing() as connection:
            await connection.execute(upsert(begun_outages, connection.dialect), begun)

    async def adjust_outage(self, adjustment: Adjustment) -> None:
        """Store what becomes of one opening of an outage; an earlier adjustment of it is replaced."""
        async with self._database.writing() as connection:
            await connection.execute(upsert(outage_adjustments, connection.dialect), row(adjustment))

    async def put_failover(self, failover: Failover) -> None:
        """Store that a failover is in force; one of the same charger and back-end is replaced."""
        async with self._database.writing() as connection:
            await connection.execute(upsert(failovers, connection.dialect), row(failover))

    async def end_failover(self, charger: str, backend: str) -> bool:
        """End a failover; False where none is in force any more."""
        which = failovers.c.charger == charger, failovers.c.backend == backend
        async with self._database.writing() as connection:
            return (await connection.execute(delete(failovers).where(*which))).rowcount == 1


def _outage(found: RowMapping) -> Outage:
    policy = found["open_transaction"]
    return Outage(
        name=found["name"],
        chargers=tuple(found["chargers"]),
        window=Window(found["duration_s"], start=found["start"], zone=found["zone"]),
        roles=found["roles"],
        flip=FlipPolicy(open_transaction=policy) if policy is not None else None,
        notice=Notice((), tuple(found["told"])) if found["told"] else None,
        reason=found["reason"],
        actor=found["actor"],
    )
