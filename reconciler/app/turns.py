"""Turns: what is declared, with the chargers as they were that an apply has not come to, or that are paused."""

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.ports import Store
from reconciler.model.interventions import Interventions
from reconciler.model.site import Site
from reconciler.planning.turns import as_held, holds_in_force, paused_chargers


async def as_their_turns_are(
    declared: Site, state: Interventions, specs: AppliedSpecs, store: Store
) -> tuple[Site, Mapping[str, str], Interventions]:
    """Return the site as it is to run, the chargers that are paused with who wants it, and what is left of `state`.

    A step that waited for a charger to be resumed, which it was meanwhile, is ended in the journal; so is one whose
    charger is to run what it runs anyway, because a stopped apply was taken back.
    """
    paused = paused_chargers(declared, state)
    holds = holds_in_force(state, paused)
    bases = await specs.bases(holds.values())
    moot = {name for name, hold in holds.items() if bases[hold.base].chargers.get(name) == declared.chargers.get(name)}
    left = {name: hold for name, hold in holds.items() if name not in moot}
    if lapsed := [hold.charger for hold in state.holds if hold.charger not in left]:
        await store.release_held(lapsed)
        state = replace(state, holds=tuple(left.values()))
    return as_held(declared, left, bases), paused, state


async def as_released(
    declared: Site, state: Interventions, paused: Mapping[str, str], chargers: Collection[str], specs: AppliedSpecs
) -> tuple[Site, Interventions]:
    """Return the site, and what is left of `state`, where the turn of these chargers has come and nothing else is new.

    That is what `as_their_turns_are` gives once the journal says so, without a look at those that still wait.
    """
    come = frozenset(chargers)
    state = replace(state, holds=tuple(hold for hold in state.holds if hold.charger not in come))
    holds = holds_in_force(state, paused)
    return as_held(declared, holds, await specs.bases(holds.values())), state
