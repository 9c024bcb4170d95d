"""What operations are given: where they are kept, and the stations."""

from datetime import datetime
from typing import Protocol

from reconciler.app.operation_run import Line
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LiveCharger
from reconciler.model.operations import OperationRecord


class OperationStore(Protocol):
    """Where operations are kept; each step is written with its event."""

    async def put_operation(self, record: OperationRecord, event: HistoryEvent) -> None:
        """Store an operation as it stands; the same id again replaces it."""

    async def operation(self, operation_id: str) -> OperationRecord | None:
        """Return one operation, None where there is none of that id."""

    async def operations(self, charger: str | None, limit: int) -> tuple[OperationRecord, ...]:
        """Return operations on a charger, or on all, newest first."""

    async def interrupt_operations(self, holder: str, at: datetime) -> tuple[OperationRecord, ...]:
        """End what `holder` left running as interrupted, and return it."""

    async def operation_holders(self) -> tuple[str, ...]:
        """Return the nodes that have operations under way."""


class Stations(Protocol):
    """The stations, whichever node they are connected to."""

    @property
    def local_line(self) -> Line:
        """Return the line between `local` and the stations."""

    def live_charger(self, charger: str) -> LiveCharger | None:
        """Return one charger's live state, None where it is not declared."""

    async def catch_up(self, charger: str) -> None:
        """Learn what other nodes know of the charger by now; bounded. Raises FwdctlError where the store is away."""

    async def transaction_for_local(self, charger: str, station_id: str) -> str:
        """Return the id by which `local` is to name a station's transaction; raises NotAvailable."""

    async def attend(self, charger: str) -> None:
        """Hear from now on what the charger says to `local`, wherever it connects."""

    async def turn_away(self, charger: str) -> None:
        """Hear it no more, unless it is connected here."""
