"""Turns: the site as it is to run while chargers wait."""

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.turns import as_their_turns_are
from reconciler.model.interventions import Interventions
from reconciler.model.rollouts import Hold, Pause
from tests.support.memory_store import MemoryStore
from tests.support.specs import World, a_site, resolved

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}


class Spied(MemoryStore):
    """A store that remembers who was released."""

    released: tuple[str, ...] = ()

    async def release_held(self, chargers: object) -> None:
        """Remember them."""
        self.released = tuple(chargers)  # type: ignore[arg-type]


async def test_a_charger_that_waits_runs_as_the_revision_has_it_that_it_waits_in() -> None:
    store = Spied()
    world = World(store)
    await world.apply(a_site(2, LEADS))
    new, state = resolved(a_site(2, FOLLOWS)), Interventions(holds=(Hold("cp000", 1, "r"),))
    site, paused, _ = await as_their_turns_are(new, state, AppliedSpecs(store), store)
    assert site.chargers["cp000"].owners["transactions"] == "partner"
    assert site.chargers["cp001"].owners["transactions"] == "grid"
    assert (dict(paused), store.released) == ({}, ())


async def test_a_hold_ends_where_the_charger_is_to_run_what_it_runs_anyway() -> None:
    store = Spied()
    world = World(store)
    await world.apply(a_site(2, LEADS))
    again = resolved(a_site(2, LEADS))  # what was applied meanwhile was taken back
    holds = (Hold("cp000", 1, "r"), Hold("cp001", 1, "r", paused=True))
    pauses = (Pause("cp001", world.clock.now(), None, "works", "ann"),)
    state = Interventions(holds=holds, pauses=pauses)
    site, _, left = await as_their_turns_are(again, state, AppliedSpecs(store), store)
    assert (site.chargers, store.released) == (again.chargers, ("cp000", "cp001"))
    assert (left.holds, left.pauses) == ((), pauses)


async def test_a_step_that_waited_for_a_pause_to_end_is_ended_with_it() -> None:
    store = Spied()
    world = World(store)
    await world.apply(a_site(2, LEADS))
    new = resolved(a_site(2, FOLLOWS))
    holds = (Hold("cp000", 1, "r", paused=True), Hold("cp001", 1, "r", paused=True))
    pauses = (Pause("cp001", world.clock.now(), None, "works", "ann"),)
    site, paused, _ = await as_their_turns_are(
        new, Interventions(holds=holds, pauses=pauses), AppliedSpecs(store), store
    )
    assert store.released == ("cp000",)
    assert [site.chargers[name].owners["transactions"] for name in ("cp000", "cp001")] == ["grid", "partner"]
    assert list(paused) == ["cp001"]
