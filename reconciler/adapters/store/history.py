"""History: events, appended and never changed; the oldest are forgotten in the end."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select

from reconciler.adapters.store import tables
from reconciler.adapters.store.bulk import BulkInsert
from reconciler.adapters.store.retained import Bound, move_bound
from reconciler.adapters.store.section import Section
from reconciler.app.ports import HistoryFilter
from reconciler.model.history import HistoryEvent

_EVENTS: Final = BulkInsert(
    tables.events, ("at", "kind", "summary", "charger", "actor", "reason", "revision", "details")
)


class History(Section):
    """The journal of what happened."""

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        """Append events to history, in this order; their `seq` is given here."""
        if not events:
            return
        rows = [
            (one.at, one.kind, one.summary, one.charger, one.actor, one.reason, one.revision, _as_dict(one.details))
            for one in events
        ]
        async with self._database.writing() as connection:
            await _EVENTS.write(connection, rows)

    async def forget_events(self, before: datetime, at_most: int) -> int:
        """Delete events from before then, the oldest first and at most so many; return how many."""
        column = tables.events.c
        oldest = select(column.seq).where(column.at < before).order_by(column.seq).limit(at_most)
        async with self._database.writing() as connection:
            forgotten = (await connection.execute(delete(tables.events).where(column.seq.in_(oldest)))).rowcount
            if forgotten:
                await move_bound(connection, Bound.EVENTS, before)
            return forgotten

    async def history(self, wanted: HistoryFilter) -> tuple[HistoryEvent, ...]:
        """Return matching events, newest first."""
        column = tables.events.c
        asked = select(tables.events).order_by(column.seq.desc()).limit(max(wanted.limit, 0))
        if wanted.charger is not None:
            asked = asked.where(column.charger == wanted.charger)
        if wanted.kind is not None:
            asked = asked.where(column.kind == wanted.kind)
        if wanted.without is not None:
            asked = asked.where(column.kind != wanted.without)
        if wanted.chargers is not None:
            asked = asked.where(column.charger.in_(wanted.chargers))
        if wanted.since is not None:
            asked = asked.where(column.at >= wanted.since)
        if wanted.until is not None:
            asked = asked.where(column.at <= wanted.until)
        if wanted.revision is not None:
            asked = asked.where(column.revision == wanted.revision)
        async with self._database.reading() as connection:
            return tuple(HistoryEvent(**found) for found in (await connection.execute(asked)).mappings())


def _as_dict(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return details as JSON takes them: the same object where they are a dict, for events of one flip share them."""
    return details if isinstance(details, dict) else dict(details)
