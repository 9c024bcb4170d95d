"""Use case explain: which layer decides who owns what on a charger, now or at any other time."""

from datetime import datetime

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.app.ports import Clock, Store
from reconciler.errors import FwdctlError
from reconciler.planning.explain import Explanation, explain


class Explaining:
    """Reads; changes nothing."""

    def __init__(self, store: Store, clock: Clock, specs: AppliedSpecs) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs

    async def explain(self, charger: str, at: datetime | None = None) -> Explanation:
        """Return why `charger` runs as it does at `at` (None: now), by the specs and interventions known now.

        Raises UnknownAddress where there is no such charger, FwdctlError where more than one is meant.
        """
        when = at or self._clock.now()
        site = (await self._specs.newest()).site
        names = chargers_meant(site, [charger])
        if len(names) > 1:
            raise FwdctlError(f"{charger} means {len(names)} chargers", hint="explain one of them")
        return explain(site, await self._store.interventions(when), when, names[0])
