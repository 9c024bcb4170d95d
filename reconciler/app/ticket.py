"""A ticket: what the relay node keeps of a station that was admitted, until it is in."""

from dataclasses import dataclass

from reconciler.app.charger_slot import ChargerSlot
from reconciler.app.csms_connection import CsmsConnection


@dataclass(slots=True, eq=False)
class Ticket:
    """A station that was admitted and is not yet in."""

    slot: ChargerSlot
    authorization: str | None
    dialled: dict[str, CsmsConnection]
    """Legs dialled before the station's handshake was answered."""

    def drop(self) -> None:
        """Close the legs of a station that never came in; those that its session has adopted are not here any more."""
        for connection in self.dialled.values():
            connection.stop("the charging station did not complete its handshake")
        self.dialled.clear()
