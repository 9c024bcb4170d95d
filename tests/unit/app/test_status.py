"""Status: what runs beside what is to run."""

import asyncio

import pytest

from reconciler.app.status import AT_ONCE
from reconciler.app.toggling import ToggleRequest
from reconciler.errors import UnknownAddress
from reconciler.planning.drift import State
from tests.support.specs import World, a_site, charger, document

PAIR = document(
    "SplitSystem",
    "ice",
    {"site": "a"},
    versions=["ocpp1.6"],
    securityProfile="open",
    dispensers=[{"identity": "ICE-1"}, {"identity": "ICE-2"}],
)
FREE = [
    charger("free", {"site": "b"}),
    document("BackendBinding", "b", chargers={"names": ["free"]}, backends=[{"backend": "grid", "role": "primary"}]),
]


async def world_of() -> World:
    """Return a world with two chargers, a split system of two, and a charger on another back-end."""
    world = World()
    await world.apply([*a_site(2, {"partner": "primary"}), PAIR, *FREE])
    world.relay.connect("cp000", "free")
    await world.reconciler.controller.tick(world.clock.now())
    return world


async def names(world: World, address: str | None = None) -> list[str]:
    return [status.name for status in await world.reconciler.status(address)]


async def test_a_status_has_both_sides_and_where_they_come_from() -> None:
    world = await world_of()
    await world.reconciler.toggle(ToggleRequest(["cp000"], "local", "visit", "bob"))
    status = (await world.reconciler.status("charger.cp000"))[0]
    assert status.standing.state is State.IN_SYNC
    assert status.desired is not None
    assert status.live is not None
    assert status.desired.owners == status.live.owners == dict.fromkeys(status.desired.owners, "local")
    assert (status.declared_by, status.bound_by) == ("charger.cp000", "backend-binding.a")
    assert status.override is not None
    assert status.override.actor == "bob"


async def test_an_offline_charger_is_listed_too() -> None:
    (status,) = await (await world_of()).reconciler.status("charger.cp001")
    assert (status.standing.state, status.override) == (State.OFFLINE, None)


async def test_a_charger_that_was_deleted_is_not_listed_once_it_is_gone() -> None:
    world = World()
    await world.apply(a_site(3, {"partner": "primary"}))
    world.relay.connect("cp002")
    await world.reconciler.controller.tick(world.clock.now())

    await world.apply(a_site(1, {"partner": "primary"}), prune=True)

    assert await names(world) == ["cp000"]


async def test_an_address_narrows_it_down_to_the_chargers_it_is_about() -> None:
    world = await world_of()
    assert await names(world) == ["cp000", "cp001", "free", "ice-d1", "ice-d2"]
    assert await names(world, "charger.cp001") == ["cp001"]
    assert await names(world, "charger.ice-d2") == ["ice-d2"]
    assert await names(world, "split-system.ice") == ["ice-d1", "ice-d2"]
    assert await names(world, "backend-binding.a") == ["cp000", "cp001", "ice-d1", "ice-d2"]
    assert await names(world, "backend.grid") == ["free"]
    assert await names(world, "security-profile.open") == []


async def test_a_large_fleet_is_read_a_few_chargers_at_a_time_and_frames_pass_between() -> None:
    world = World()
    await world.apply(a_site(3 * AT_ONCE + 1, {"partner": "primary"}))
    world.relay.looked_at.clear()
    reading = asyncio.ensure_future(world.reconciler.status())
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(await reading) == 3 * AT_ONCE + 1
    assert world.relay.looked_at == [
        AT_ONCE,
        AT_ONCE,
        AT_ONCE,
        1,
    ]  # no look was at more, so none holds frames up longer
    assert turns > 3


async def test_one_charger_costs_a_look_at_one() -> None:
    world = await world_of()
    world.relay.looked_at.clear()
    await world.reconciler.status("charger.cp001")
    assert world.relay.looked_at == [1]


@pytest.mark.parametrize("address", ["charger.nobody", "nonsense", "backend.nobody"])
async def test_an_unknown_address_is_refused(address: str) -> None:
    with pytest.raises(UnknownAddress):
        await (await world_of()).reconciler.status(address)


async def test_reading_before_the_first_tick_works() -> None:
    world = World((await world_of()).store)
    assert {status.standing.state for status in await world.reconciler.status()} == {State.OFFLINE}
