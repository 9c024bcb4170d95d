"""Forgetting: what is over for longer than it is kept goes, in small batches, so that nobody waits for long."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import ColumnElement, Table, and_, delete, exists, literal, or_, select, tuple_, union
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.local_rule_tables import moments, notifications, suppressed_notifications
from reconciler.adapters.store.relay_tables import relay_nodes, relay_reports
from reconciler.adapters.store.retained import Bound, move_bound
from reconciler.adapters.store.sealed_legs import sealed_legs
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import (
    access_tokens,
    begun_outages,
    kept_calls,
    memories,
    notices,
    operations,
    outage_adjustments,
    overrides,
    pauses,
    resource_versions,
)
from reconciler.model.notices import Delivery
from reconciler.model.operations import State

_WAITING: Final = (Delivery.PENDING.value, Delivery.HELD.value)
_LONGEST_OPENING: Final = timedelta(days=366)
"""An opening that was cut short stays so for as long: it may be declared to last about a year."""
_DISPENSER: Final = re.compile(r"(.+)-d[0-9]+")


class Forgetting(Section):
    """The end of what nobody needs any more; revisions have their own in `RetainedRevisions`."""

    async def forget_interventions(self, before: datetime, at_most: int) -> int:
        """Delete toggles, and outages begun by hand, that were over before then; at most so many; return how many."""
        over = and_(overrides.c.closed, overrides.c.until < before)
        async with self._database.writing(Turn.OVERRIDES) as connection:
            forgotten = await _delete(connection, overrides, over, at_most)
            forgotten += await _forget_outages(connection, before, at_most)
            if forgotten:
                await move_bound(connection, Bound.INTERVENTIONS, before)
            return forgotten

    async def forget_ended(self, before: datetime, operations_before: datetime, at_most: int) -> int:
        """Delete what ended before then, operations their own time: at most so many of a kind; return how many.

        That is notices and notifications that went out, counts of those that did not, tokens that no longer hold,
        pauses that ran out, and nodes that are gone.
        """
        forgotten = 0
        for table, over in _ended(before, operations_before):
            async with self._database.writing() as connection:
                forgotten += await _delete(connection, table, over, at_most)
        return forgotten

    async def forget_chargers(self, at_most: int) -> int:
        """Delete what is remembered of chargers that no kept revision declares, at most so many; return how many.

        One whose owner has not got all that its station said stays.
        """
        async with self._database.reading() as connection:
            gone = await _undeclared(connection, at_most)
        if gone:
            async with self._database.writing() as connection:
                for table in (memories, sealed_legs, pauses):
                    await connection.execute(delete(table).where(table.c.charger.in_(gone)))
        return len(gone)


def _ended(before: datetime, operations_before: datetime) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    yield notices, and_(notices.c.until < before, notices.c.status.not_in(_WAITING))
    yield notifications, and_(notifications.c.claimed_at < before, notifications.c.status.not_in(_WAITING))
    yield suppressed_notifications, suppressed_notifications.c.last_at < before
    yield moments, moments.c.at < operations_before  # of a time without any rule: nobody reads them
    yield access_tokens, or_(access_tokens.c.revoked_at < before, access_tokens.c.expires_at < before)
    yield pauses, pauses.c.until < before
    yield operations, and_(operations.c.started_at < operations_before, operations.c.state != State.RUNNING.value)
    reported = exists().where(relay_reports.c.node == relay_nodes.c.node)
    yield relay_nodes, and_(relay_nodes.c.until < before, ~reported)


async def _delete(connection: AsyncConnection, table: Table, over: ColumnElement[bool], at_most: int) -> int:
    keys = list(table.primary_key)
    some = select(*keys).where(over).limit(at_most)
    return (await connection.execute(delete(table).where(tuple_(*keys).in_(some)))).rowcount


async def _forget_outages(connection: AsyncConnection, before: datetime, at_most: int) -> int:
    """Delete outages whose one opening is over, as planned and as adjusted, and adjustments of openings long over."""
    adjusted: dict[str, datetime] = {}
    for outage, until in await connection.execute(select(outage_adjustments.c.outage, outage_adjustments.c.until)):
        adjusted[outage] = max(until, adjusted.get(outage, until))
    begun = select(begun_outages.c.name, begun_outages.c.start, begun_outages.c.duration_s)
    over = [
        (name, start)
        for name, start, duration_s in await connection.execute(begun)
        if max(start + timedelta(seconds=duration_s), adjusted.get(name, start)) < before
    ][:at_most]
    same = tuple_(begun_outages.c.name, begun_outages.c.start).in_(over)  # one begun anew meanwhile stays
    forgotten = (await connection.execute(delete(begun_outages).where(same))).rowcount if over else 0
    column, long_ago = outage_adjustments.c, before - _LONGEST_OPENING
    old = and_(column.opening < long_ago, column.until < long_ago, column.outage.not_in(select(begun_outages.c.name)))
    return forgotten + await _delete(connection, outage_adjustments, old, at_most)


async def _undeclared(connection: AsyncConnection, at_most: int) -> list[str]:
    """Return chargers that something is remembered of and that no version of a resource declares."""
    names = union(*(select(table.c.charger) for table in (memories, sealed_legs, pauses))).subquery().c.charger
    declared = exists().where(resource_versions.c.address == literal("charger.").concat(names))
    waiting = exists().where(kept_calls.c.charger == names)
    systems = select(resource_versions.c.address).where(resource_versions.c.address.startswith("split-system."))
    cabinets = frozenset(await connection.scalars(systems.distinct()))
    found = await connection.scalars(select(names).where(~declared, ~waiting).order_by(names))
    gone = (
        name for name in found if not ((part := _DISPENSER.fullmatch(name)) and f"split-system.{part[1]}" in cabinets)
    )
    return list(islice(gone, at_most))
