"""Use case drift: which chargers are not as applied, field by field, who did it, and whether it is healed."""

from collections.abc import Mapping, Set
from typing import Final

import msgspec

from reconciler.app.controller import Controller
from reconciler.app.ports import HistoryFilter, Store
from reconciler.app.status import ChargerStatus, Status
from reconciler.model.history import HistoryEvent
from reconciler.planning.drift import Standing
from reconciler.planning.drift_origins import (
    LEG_CHANGED,
    REFUSED_FLIP,
    LegChange,
    Origin,
    leg_changes,
    newest_by_charger,
    origin_of,
)

DRIFT_EXIT_CODE: Final = 2
EVENTS_READ: Final = 2_000
"""Events of a kind that are searched for who did it, the newest: what is older is told without."""


class DriftReport(msgspec.Struct, frozen=True):
    """How all chargers stand; those that differ from what is applied, with nobody having asked for it, come first.

    `origins` and `paused` are by charger, and only of those that differ: a paused one is not healed. `leg_changes` is
    what back-ends have set on their own legs: no drift, and not as the spec says either.
    """

    standings: tuple[Standing, ...]
    origins: Mapping[str, Origin] = msgspec.field(default_factory=dict)
    paused: Mapping[str, str] = msgspec.field(default_factory=dict)
    leg_changes: tuple[LegChange, ...] = ()

    @property
    def drifted(self) -> tuple[Standing, ...]:
        """Return what is not as applied and won't become so by waiting: drifted or refused."""
        return tuple(standing for standing in self.standings if standing.needs_attention)

    def within(self, names: Set[str]) -> "DriftReport":
        """Return the part about these chargers."""
        return DriftReport(
            tuple(standing for standing in self.standings if standing.charger in names),
            self.origins,
            self.paused,
            tuple(change for change in self.leg_changes if change.charger in names),
        )

    @property
    def exit_code(self) -> int:
        """Return 2 where anything drifted or is refused, else 0."""
        return DRIFT_EXIT_CODE if self.drifted else 0


class Drifting:
    """Reads; changes nothing."""

    def __init__(self, store: Store, status: Status, controller: Controller) -> None:
        self._store = store
        self._status = status
        self._controller = controller

    async def report(self, address: str | None = None) -> DriftReport:
        """Return how the chargers at an address stand, or all; raises UnknownAddress."""
        statuses = await self._status.chargers(address)
        differing = [status for status in statuses if status.standing.needs_attention]
        return DriftReport(
            tuple(sorted((status.standing for status in statuses), key=lambda standing: not standing.needs_attention)),
            await self._origins(differing),
            {status.name: status.paused for status in differing if status.paused},
            await self._leg_changes(statuses),
        )

    async def _origins(self, differing: list[ChargerStatus]) -> Mapping[str, Origin]:
        if not differing:
            return {}
        refusals = newest_by_charger(await self._newest(REFUSED_FLIP))
        found = {
            status.name: origin_of(
                status.standing, status.live, refusals, status.desired.because if status.desired else ""
            )
            for status in differing
        }
        return {name: origin for name, origin in found.items() if origin is not None}

    async def _leg_changes(self, statuses: tuple[ChargerStatus, ...]) -> tuple[LegChange, ...]:
        changed = [
            status.live for status in statuses if status.live and any(leg.credential for leg in status.live.legs)
        ]
        if not changed:
            return ()
        events: dict[str, list[HistoryEvent]] = {}
        for event in await self._newest(LEG_CHANGED):
            events.setdefault(event.charger, []).append(event)
        return tuple(change for live in changed for change in leg_changes(live, events.get(live.name, ())))

    async def _newest(self, kind: str) -> tuple[HistoryEvent, ...]:
        return await self._store.history(HistoryFilter(kind=kind, limit=EVENTS_READ))
