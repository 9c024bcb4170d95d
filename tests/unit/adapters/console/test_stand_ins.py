"""Who stands in for whom: failovers put together, and whether the owner is back."""

from reconciler.adapters.console.stand_ins import stand_ins
from reconciler.model.access import Access
from tests.support.specs import World, a_site
from tests.unit.adapters.console.console_world import Seat

AWAY = {"whenOwnerIsDown": "failover", "failover": {"to": "grid", "after": "1s", "back": "manual"}}


async def world_without_partner() -> World:
    """Return a world in which grid stands in for partner on two of three chargers."""
    world = World()
    await world.apply(a_site(3, {"partner": "primary", "grid": "passive"}, **AWAY))
    world.relay.connect("cp000", "cp001")
    await world.reconciler.controller.tick(world.clock.now())
    world.relay.lose("partner")
    await world.reconciler.controller.tick(world.clock.now())
    world.clock.advance(60)
    await world.reconciler.controller.tick(world.clock.now())
    return world


async def test_failovers_of_the_same_two_are_told_together_and_whether_the_owner_is_back() -> None:
    world = await world_without_partner()
    for there in (0, 2):
        fleet = {status.name: status for status in await world.reconciler.status()}
        (found,) = stand_ins(await world.reconciler.failovers.failovers(), fleet)
        assert (found.backend, found.to, found.back) == ("partner", "grid", "manual")
        assert (found.chargers, found.there, found.up_after_s) == (("cp000", "cp001"), there, 120.0)
        world.relay.regain("partner")
    assert stand_ins([], {}) == ()


async def test_only_an_operator_gives_chargers_back() -> None:
    world = await world_without_partner()
    here = Seat(world, Access.TECHNICIAN, "tess")
    assert "Give back to partner" in (await here.get("/chargers/cp000")).text
    pair = {"backend": "partner", "to": "grid"}
    for to in ("/outages/stand-ins/end", "/chargers/cp000/stand-in/end"):
        assert (await here.send("/", to, **pair)).status_code == 403
    assert len(await world.reconciler.failovers.failovers()) == 2
    here.access = Access.OPERATOR
    one = await here.send("/", "/chargers/cp000/stand-in/end")
    assert one.headers["location"] == "/chargers/cp000?done=given-back"
    nobody = await here.send("/", "/outages/stand-ins/end", backend="grid", to="partner")
    assert nobody.status_code == 303
    assert [found.charger for found in await world.reconciler.failovers.failovers()] == ["cp001"]
    await here.send("/", "/outages/stand-ins/end", **pair)
    assert not await world.reconciler.failovers.failovers()
    assert {event.actor for event in world.store.events if event.kind == "failover-ended"} == {"tess"}
