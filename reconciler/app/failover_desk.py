"""Use cases of failovers: which are in force, and an end to them by hand."""

from collections.abc import Sequence

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.app.controller import Controller
from reconciler.app.courses import Cause, ChargerResult
from reconciler.app.ports import Clock, Store
from reconciler.model.failovers import Failover
from reconciler.model.history import HistoryEvent


class FailoverDesk:
    """Reads failovers, and ends them."""

    def __init__(self, store: Store, clock: Clock, specs: AppliedSpecs, controller: Controller) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs
        self._controller = controller

    async def failovers(self) -> tuple[Failover, ...]:
        """Return those in force, by charger."""
        return (await self._store.interventions(self._clock.now())).failovers

    async def end(self, chargers: Sequence[str], *, actor: str) -> tuple[ChargerResult, ...]:
        """End the failovers on these chargers (names or globs) and return what became of each that had one.

        An owner that is still away is stood in for again after its full time. Raises UnknownAddress.
        """
        names = set(chargers_meant((await self._specs.newest()).site, chargers))
        ended = [
            failover
            for failover in await self.failovers()
            if failover.charger in names and await self._store.end_failover(failover.charger, failover.backend)
        ]
        now = self._clock.now()
        summary = "{0.to} no longer stands in for {0.backend}".format
        await self._store.record(
            [
                HistoryEvent(now, "failover-ended", summary(failover), failover.charger, actor, "ended by hand")
                for failover in ended
            ]
        )
        moved = sorted({failover.charger for failover in ended})
        self._controller.expect(moved, Cause(actor, "the failover was ended by hand"))
        await self._controller.look(now)
        results = await self._controller.reach(moved)
        self._controller.wake()
        return results
