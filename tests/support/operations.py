"""What the operations use case is given in tests: a journal in memory, and stations whose words a test writes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from reconciler.app.local_line import LocalLine
from reconciler.local.csms import StationAnswer
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LiveCharger
from reconciler.model.operations import OperationRecord, State


class MemoryOperations:
    """Implements `OperationStore`."""

    def __init__(self) -> None:
        self.records: dict[str, OperationRecord] = {}
        self.events: list[HistoryEvent] = []

    async def put_operation(self, record: OperationRecord, event: HistoryEvent) -> None:
        """Keep a record and its event."""
        self.records[record.id] = record
        self.events.append(event)

    async def operation(self, operation_id: str) -> OperationRecord | None:
        """Return a record."""
        return self.records.get(operation_id)

    async def operations(self, charger: str | None, limit: int) -> tuple[OperationRecord, ...]:
        """Return records, newest first."""
        newest_first = reversed(self.records.values())
        return tuple(record for record in newest_first if charger in (None, record.charger))[:limit]

    async def operation_holders(self) -> tuple[str, ...]:
        """Return the nodes that have operations under way."""
        return tuple({record.holder for record in self.records.values() if not record.done})

    async def interrupt_operations(self, holder: str, at: datetime) -> tuple[OperationRecord, ...]:
        """End what runs."""
        found = [record for record in self.records.values() if record.holder == holder and not record.done]
        ended = tuple(replace(record, state=State.INTERRUPTED, ended_at=at) for record in found)
        self.records |= {record.id: record for record in ended}
        return ended


class ScriptedLine(LocalLine):
    """A line whose other end is the test: it keeps what was asked, and the test answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, Mapping[str, Any], Callable[[StationAnswer], None]]] = []

    def call(
        self, charger: str, action: str, payload: Mapping[str, Any], then: Callable[[StationAnswer], None]
    ) -> None:
        """Keep the CALL."""
        self.asked.append((charger, action, payload, then))

    def answer(self, payload: Mapping[str, Any] | None, error: str = "") -> None:
        """Answer the oldest CALL."""
        self.asked.pop(0)[3](StationAnswer(payload, error))

    def says(self, charger: str, action: str, payload: Mapping[str, Any] | None = None) -> None:
        """Have a station send `local` a CALL."""
        for listener in self._listeners:
            listener(charger, action, payload or {})


class QuietStations:
    """Implements `Stations`."""

    def __init__(self) -> None:
        self.local_line = ScriptedLine()
        self.live: dict[str, LiveCharger] = {}
        self.told_elsewhere: dict[str, LiveCharger] = {}
        """What other nodes told, and this one has not read yet."""

    def live_charger(self, charger: str) -> LiveCharger | None:
        """Return what the test put there."""
        return self.live.get(charger)

    async def catch_up(self, charger: str) -> None:
        """Read what another node knew already."""
        self.live.update(self.told_elsewhere)

    async def transaction_for_local(self, charger: str, station_id: str) -> str:
        """Return another id, so that tests see which is which."""
        return f"9{station_id}"

    async def attend(self, charger: str) -> None:
        """Do nothing."""

    async def turn_away(self, charger: str) -> None:
        """Do nothing."""
