"""Show: a resource as it was applied then, and who was to own what on a charger."""

from datetime import timedelta

import pytest

from reconciler.app.toggling import ToggleRequest
from reconciler.errors import FwdctlError, UnknownAddress
from tests.support.specs import World, a_site, charger, without

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}


async def flipped() -> World:
    """Return a world in which grid took over from partner an hour after the first apply, and an hour went by."""
    world = World()
    await world.apply(a_site(1, LEADS))
    world.relay.connect("cp000")
    await world.reconciler.controller.tick(world.clock.now())
    world.clock.advance(3600)
    await world.apply(a_site(1, FOLLOWS))
    world.clock.advance(3600)
    return world


async def test_a_charger_is_shown_with_who_was_to_own_it_then_and_its_last_flip() -> None:
    world = await flipped()
    now = world.clock.now()
    shown = [await world.reconciler.show("charger.cp000", at=at) for at in (None, now - timedelta(minutes=90))]
    assert [one.revision for one in shown] == [2, 1]
    owners = [one.explanation.decisions[0].owner for one in shown if one.explanation]
    assert owners == ["grid", "partner"]
    assert [one.flip is not None for one in shown] == [True, False]


async def test_a_technicians_override_of_then_is_known_later() -> None:
    world = await flipped()
    then = world.clock.now()
    await world.reconciler.toggle(ToggleRequest(["cp000"], "partner", "visit", "bob", for_s=60))
    world.clock.advance(3600)
    shown = await world.reconciler.show("charger.cp000", at=then + timedelta(seconds=30))
    assert shown.explanation is not None
    assert shown.explanation.decisions[0].because == "toggled by bob (visit)"


async def test_a_binding_is_shown_as_its_revision_left_it_with_the_apply_that_wrote_it() -> None:
    world = await flipped()
    await world.apply([charger("cp777")])
    old = await world.reconciler.show("backend-binding.a", revision=1)
    new = await world.reconciler.show("backend-binding.a", revision=3)
    assert [one["role"] for one in old.content["spec"]["backends"]] == ["primary", "passive"]
    assert [one["role"] for one in new.content["spec"]["backends"]] == ["passive", "primary"]
    assert [shown.changed_by and shown.changed_by.revision for shown in (old, new)] == [1, 2]
    assert (old.at, old.explanation, old.flip) == (None, None, None)


async def test_what_was_deleted_is_still_shown_as_of_before() -> None:
    world = World()
    await world.apply(a_site(2))
    await world.apply(without(a_site(2), "cp001"), prune=True)
    assert (await world.reconciler.show("charger.cp001", revision=1)).content["metadata"]["name"] == "cp001"
    with pytest.raises(UnknownAddress, match=r"no charger\.cp001 in revision 2"):
        await world.reconciler.show("charger.cp001")


async def test_before_the_first_apply_there_was_nothing() -> None:
    world = await flipped()
    with pytest.raises(UnknownAddress, match="revision 0"):
        await world.reconciler.show("charger.cp000", at=world.clock.now() - timedelta(days=1))


async def test_a_time_and_a_revision_and_what_does_not_exist_are_refused() -> None:
    world = await flipped()
    with pytest.raises(FwdctlError, match="a time and a revision"):
        await world.reconciler.show("charger.cp000", at=world.clock.now(), revision=1)
    with pytest.raises(FwdctlError, match="no revision 9"):
        await world.reconciler.show("charger.cp000", revision=9)
    with pytest.raises(UnknownAddress, match="not an address"):
        await world.reconciler.show("cp000")
