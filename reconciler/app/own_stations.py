"""The stations of this process as operations see them."""

from reconciler.app.local_line import LocalLine
from reconciler.app.node import RelayNode
from reconciler.app.ports import Clock
from reconciler.model.desired import LOCAL
from reconciler.model.live import LiveCharger


class OwnStations:
    """Implements `operations.Stations` over the relay node of this process, which hears all that there is."""

    def __init__(self, node: RelayNode, clock: Clock) -> None:
        self._node = node
        self._clock = clock

    @property
    def local_line(self) -> LocalLine:
        """Return the line between `local` and the stations."""
        return self._node.local_line

    def live_charger(self, charger: str) -> LiveCharger | None:
        """Return one charger's live state, None where it is not declared."""
        slot, clock = self._node.slot(charger), self._clock
        return slot.live(clock.now(), clock.monotonic_s()) if slot else None

    async def catch_up(self, charger: str) -> None:
        """Do nothing: there are no other nodes."""

    async def transaction_for_local(self, charger: str, station_id: str) -> str:
        """Return the id by which `local` is to name a station's transaction."""
        slot = self._node.slot(charger)
        if slot is None or slot.session is None or slot.session.version != "ocpp1.6":
            return station_id
        return slot.memory.ids.known_as(LOCAL, station_id.encode()).decode()

    async def attend(self, charger: str) -> None:
        """Do nothing."""

    async def turn_away(self, charger: str) -> None:
        """Do nothing."""
