"""Every station as operations see it, whichever node it is connected to."""

from typing import Final

from msgspec.structs import replace

from reconciler.app.errands import Body, Errands, NobodyKnows, NotBegun
from reconciler.app.fleet_line import FleetLine
from reconciler.app.node import RelayNode
from reconciler.app.own_stations import OwnStations
from reconciler.app.ports import Clock
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.tasks import Background
from reconciler.errors import NotAvailable
from reconciler.model.desired import LOCAL
from reconciler.model.live import LegPhase, LiveCharger

COMING_WITHIN_S: Final = 2.0
"""How long it is waited for all that a node reports of a station that it has just let in."""
NAME_TRANSACTION: Final = "name-transaction"


class FleetStations:
    """Implements `Stations` over the relay node of this process and the rows of all others.

    The number of a charger's connections is its epoch here, which counts those to all nodes.
    """

    def __init__(
        self, node: RelayNode, mirror: RelayMirror, errands: Errands, clock: Clock, background: Background
    ) -> None:
        self._node = node
        self._own = OwnStations(node, clock)
        self._mirror = mirror
        self._errands = errands
        self.local_line = FleetLine(node.local_line, self.elsewhere, errands, background)
        errands.on(NAME_TRANSACTION, self._name_for_another)

    def elsewhere(self, charger: str) -> str:
        """Return the start of the node that the charger is connected to, "" where it is this one, or none."""
        if self._is_here(charger):
            return ""
        report = self._mirror.reports.get(charger)
        if report is None or not self._mirror.live[charger].connected or str(report.start) == self._errands.start:
            return ""
        return str(report.start)

    def live_charger(self, charger: str) -> LiveCharger | None:
        """Return one charger's live state, None where it is not declared."""
        slot, report = self._node.slot(charger), self._mirror.reports.get(charger)
        if report is None or self._is_here(charger) or not self._is_declared(charger):
            live = self._own.live_charger(charger)
            return live if live is None or slot is None else replace(live, connections=slot.epoch)
        return replace(self._mirror.live[charger], connections=report.epoch)

    def other_starts(self) -> frozenset[str]:
        """Return the starts of other nodes that are alive."""
        return self._mirror.starts() - {self._errands.start}

    def last_elsewhere(self, charger: str) -> LiveCharger | None:
        """Return how a charger runs that was connected to another node last, None for any other."""
        report = self._mirror.reports.get(charger)
        if self._is_here(charger) or report is None or str(report.start) == self._errands.start:
            return None
        return self._mirror.live[charger]

    async def catch_up(self, charger: str) -> None:
        """Read afresh what other nodes told of a charger, and where it is just coming in, wait for the rest.

        A station's node says that it has it before it lets it in, and what it runs a moment later.
        """
        if self._is_here(charger) or not self.other_starts():
            return
        await self._mirror.read()
        await self._mirror.seen(lambda: None if self._is_coming(charger) else True, COMING_WITHIN_S)

    async def transaction_for_local(self, charger: str, station_id: str) -> str:
        """Return the id by which `local` is to name a station's transaction."""
        start = self.elsewhere(charger)
        if not start:
            return await self._own.transaction_for_local(charger, station_id)
        try:
            answer = await self._errands.ask(start, NAME_TRANSACTION, {"charger": charger, "id": station_id})
        except (NotBegun, NobodyKnows) as outcome:
            raise NotAvailable(
                f"the transaction on {charger} can't be named: {outcome}", hint=f"fwdctl status charger.{charger}"
            ) from outcome
        return str(answer["id"])

    async def attend(self, charger: str) -> None:
        """Hear from now on what the charger says to `local`, wherever it connects."""
        await self._errands.listen(charger)

    async def turn_away(self, charger: str) -> None:
        """Hear it no more, unless it is connected here."""
        await self._errands.turn_away(charger)

    def _is_here(self, charger: str) -> bool:
        slot = self._node.slot(charger)
        return slot is not None and slot.session is not None

    def _is_coming(self, charger: str) -> bool:
        """Return whether a node has let the charger in, and yet to report it, or its registration with `local`."""
        report = self._mirror.reports.get(charger)
        if self._is_here(charger) or report is None or not self._mirror.is_alive(report.start):
            return False
        return not report.live.node or any(
            leg.backend == LOCAL and leg.phase is not LegPhase.REGISTERED for leg in report.live.legs
        )

    def _is_declared(self, charger: str) -> bool:
        """Return whether the charger is declared; this node may be about to run what was asked of it just now."""
        ask = self._mirror.asks.get(charger)
        return self._node.slot(charger) is not None or (ask is not None and ask.desired is not None)

    async def _name_for_another(self, body: Body) -> Body:
        return {"id": await self._own.transaction_for_local(body["charger"], body["id"])}
