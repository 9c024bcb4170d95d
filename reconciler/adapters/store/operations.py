"""Operations: a row each, written with the event that tells of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import insert, select, update

from reconciler.adapters.store import tables
from reconciler.adapters.store.section import Section
from reconciler.model.history import HistoryEvent
from reconciler.model.operations import OperationRecord, ProgressLine, State

INTERRUPTED: Final = "the server stopped meanwhile"


class KeptOperations(Section):
    """What `local` had chargers do."""

    async def put_operation(self, record: OperationRecord, event: HistoryEvent) -> None:
        """Store an operation as it stands, and its event, in one transaction; the same id again replaces it."""
        told = tables.row(event, details=dict(event.details))
        del told["seq"]
        async with self._database.writing() as connection:
            await connection.execute(tables.upsert(tables.operations, connection.dialect), _row(record))
            await connection.execute(insert(tables.events), told)

    async def operation(self, operation_id: str) -> OperationRecord | None:
        """Return one operation, None where there is none of that id."""
        asked = select(tables.operations).where(tables.operations.c.id == operation_id)
        async with self._database.reading() as connection:
            found = (await connection.execute(asked)).mappings().one_or_none()
        return None if found is None else _record(found)

    async def operations(self, charger: str | None, limit: int) -> tuple[OperationRecord, ...]:
        """Return operations on a charger, or on all, newest first."""
        column = tables.operations.c
        asked = select(tables.operations).order_by(column.started_at.desc(), column.id).limit(max(limit, 0))
        if charger is not None:
            asked = asked.where(column.charger == charger)
        async with self._database.reading() as connection:
            return tuple(_record(found) for found in (await connection.execute(asked)).mappings())

    async def operation_holders(self) -> tuple[str, ...]:
        """Return the nodes that have operations under way."""
        column = tables.operations.c
        asked = select(column.holder).where(column.state == State.RUNNING.value).distinct()
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(asked))

    async def interrupt_operations(self, holder: str, at: datetime) -> tuple[OperationRecord, ...]:
        """End what `holder` left running as interrupted, with an event each, and return it."""
        column = tables.operations.c
        running = (column.holder == holder, column.state == State.RUNNING.value)
        async with self._database.writing() as connection:
            found = (
                (await connection.execute(select(tables.operations).where(*running).with_for_update())).mappings().all()
            )
            if not found:
                return ()
            ended = {"state": State.INTERRUPTED.value, "problem": INTERRUPTED, "ended_at": at}
            await connection.execute(update(tables.operations).where(*running).values(ended))
            records = tuple(
                replace(_record(row), state=State.INTERRUPTED, problem=INTERRUPTED, ended_at=at) for row in found
            )
            await connection.execute(insert(tables.events), [_interrupted(record, at) for record in records])
            return records


def _row(record: OperationRecord) -> dict[str, Any]:
    return tables.row(
        record,
        parameters=dict(record.parameters),
        result=None if record.result is None else dict(record.result),
        state=record.state.value,
        progress=[[line.at.isoformat(), line.text] for line in record.progress],
    )


def _record(row: Mapping[Any, Any]) -> OperationRecord:
    progress = tuple(ProgressLine(datetime.fromisoformat(at), text) for at, text in row["progress"])
    return OperationRecord(**{**row, "state": State(row["state"]), "progress": progress})


def _interrupted(record: OperationRecord, at: datetime) -> dict[str, Any]:
    details = {"operation": record.operation, "id": record.id, "state": State.INTERRUPTED.value}
    event = HistoryEvent(
        at,
        "operation",
        f"{record.operation}: interrupted ({INTERRUPTED})",
        charger=record.charger,
        actor=record.actor,
        reason=record.reason,
    )
    told = tables.row(event, details=details)
    del told["seq"]
    return told
