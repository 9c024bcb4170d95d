"""Use case explain: which layer decides who owns what on a charger, now or at any other time."""

from datetime import datetime

from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.app.controller import Controller
from reconciler.app.ports import Clock, Store
from reconciler.errors import FwdctlError
from reconciler.model.site import Site
from reconciler.planning.explain import Explanation, explain
from reconciler.planning.turns import hold_text, holds_in_force, paused_chargers


class Explaining:
    """Reads; changes nothing."""

    def __init__(self, store: Store, clock: Clock, specs: AppliedSpecs, controller: Controller) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs
        self._controller = controller

    async def explain(self, charger: str, at: datetime | None = None) -> Explanation:
        """Return why `charger` runs as it does at `at` (None: now), by the specs and interventions known now.

        Raises UnknownAddress where there is no such charger, FwdctlError where more than one is meant.
        """
        when = at or self._clock.now()
        site = (await self._specs.newest()).site
        names = chargers_meant(site, [charger])
        if len(names) > 1:
            raise FwdctlError(f"{charger} means {len(names)} chargers", hint="explain one of them")
        found = await explained(self._store, self._specs, site, names[0], when, now=at is None)
        if at is not None:
            return found
        (standing,) = self._controller.standings(names)
        return replace(found, not_yet="; ".join(standing.differences))


async def explained(
    store: Store, specs: AppliedSpecs, site: Site, charger: str, when: datetime, *, now: bool
) -> Explanation:
    """Return what decides on a charger of `site` at `when`; where that is `now`, as its turn in applies is."""
    state = await store.interventions(when)
    holds = holds_in_force(state, paused_chargers(site, state)) if now else {}
    hold = holds.get(charger)
    if hold is None:
        return explain(site, state, when, charger)
    base = (await specs.bases(holds.values()))[hold.base]
    if charger not in base.chargers:
        return explain(site, state, when, charger, f"and not there yet: {hold_text(hold)}")
    held = f"as of revision {hold.base}: {hold_text(hold)}"
    running = replace(site, chargers={charger: base.chargers[charger]}, bound_by=base.bound_by)
    return explain(running, state, when, charger, held)
