"""Operations as history tells them: their begin and their end, what was ordered, and what came of it."""

from datetime import datetime
from typing import Any

from reconciler.model.history import HistoryEvent
from reconciler.model.operations import OperationRecord


def begun(record: OperationRecord) -> HistoryEvent:
    """Return the event of an operation's begin."""
    return _event(record, record.started_at, f"{_said(record)}: begun")


def ended(record: OperationRecord) -> HistoryEvent:
    """Return the event of an operation's end."""
    assert record.ended_at is not None
    problem = f" ({record.problem})" if record.problem else ""
    return _event(record, record.ended_at, f"{_said(record)}: {record.state}{problem}")


def _event(record: OperationRecord, at: datetime, summary: str) -> HistoryEvent:
    return HistoryEvent(
        at,
        "operation",
        summary,
        charger=record.charger,
        actor=record.actor,
        reason=record.reason,
        details={
            "operation": record.operation,
            "id": record.id,
            "state": record.state.value,
            "parameters": dict(record.parameters),
        },
    )


def _said(record: OperationRecord) -> str:
    told = ", ".join(f"{name} {_short(value)}" for name, value in record.parameters.items())
    return f"{record.operation} {told}".rstrip()


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
