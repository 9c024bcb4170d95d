"""Turns: what is declared, with the chargers as they were that an apply has not come to, or that are paused."""

from collections.abc import Mapping

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.ports import Store
from reconciler.model.interventions import Interventions
from reconciler.model.site import Site
from reconciler.planning.turns import as_held, holds_in_force, paused_chargers


async def as_their_turns_are(
    declared: Site, state: Interventions, specs: AppliedSpecs, store: Store
) -> tuple[Site, Mapping[str, str]]:
    """Return the site as it is to run, and the chargers that are paused with who wants it.

    A step that waited for a charger to be resumed, which it was meanwhile, is ended in the journal.
    """
    paused = paused_chargers(declared, state)
    if lapsed := [hold.charger for hold in state.holds if hold.paused and hold.charger not in paused]:
        await store.release_paused(lapsed)
    holds = holds_in_force(state, paused)
    return as_held(declared, holds, await specs.bases(holds.values())), paused
