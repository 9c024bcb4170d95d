"""The list of chargers: what a query asks for, and pages of it."""

import asyncio

import pytest

from reconciler.adapters.console.fleet_view import AT_ONCE, PAGE_ROWS, FleetQuery, view
from reconciler.app.fleet_board import Picture
from reconciler.app.toggling import ToggleRequest
from tests.support.specs import World, a_site


async def picture(chargers: int = 3, *connected: str) -> Picture:
    world = World()
    await world.apply(a_site(chargers, {"partner": "primary", "grid": "passive"}))
    world.relay.connect(*connected)
    await world.reconciler.controller.tick(world.clock.now())
    if connected:
        await world.reconciler.toggle(ToggleRequest([connected[0]], "local", "visit", "bob"))
    return Picture(1, {status.name: status for status in await world.reconciler.status()})


async def names(found: Picture, **asked: str) -> list[str]:
    return [row.name for row in (await view(found, FleetQuery.read(asked), {})).rows]


async def test_each_way_to_ask_narrows_the_list() -> None:
    found = await picture(3, "cp000", "cp001")
    assert await names(found) == ["cp000", "cp001", "cp002"]
    assert await names(found, q="CP001") == ["cp001"]
    assert await names(found, q="nothing") == []
    assert await names(found, show="offline") == ["cp002"]
    assert await names(found, show="toggled") == ["cp000"]
    assert await names(found, owner="local") == ["cp000"]
    assert await names(found, owner="partner", show="online") == ["cp001"]
    assert await names(found, label="site=a") == ["cp000", "cp001", "cp002"]
    assert await names(found, label="site=b") == []
    assert await names(found, state="offline") == ["cp002"]


async def test_the_tally_counts_what_each_choice_would_show() -> None:
    tally = {show: count for show, _, count in (await view(await picture(3, "cp000"), FleetQuery(), {})).tally}
    assert tally == {"all": 3, "online": 1, "offline": 2, "charging": 0, "toggled": 1, "attention": 0}


async def test_a_large_fleet_comes_in_pages() -> None:
    found = await picture(PAGE_ROWS + 3)
    first, last = await view(found, FleetQuery(), {}), await view(found, FleetQuery(page=9), {})
    assert (len(first.rows), first.pages, first.matching) == (PAGE_ROWS, 2, PAGE_ROWS + 3)
    assert (len(last.rows), last.query.page) == (3, 2)


async def test_a_large_fleet_is_gone_through_in_many_turns_of_the_loop() -> None:
    (status,) = (await picture(1)).chargers.values()
    fleet = Picture(1, {f"cp{number}": status for number in range(10 * AT_ONCE)})
    looking = asyncio.ensure_future(view(fleet, FleetQuery(), {}))
    turns = 0
    while not looking.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 10
    assert (await looking).matching == 10 * AT_ONCE


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "9" * 30, "²"])
def test_a_query_that_makes_no_sense_is_as_if_it_were_not_there(page: str) -> None:
    assert FleetQuery.read({"page": page, "show": "x", "state": "y"}) == FleetQuery()


def test_a_query_survives_its_url() -> None:
    query = FleetQuery("a b&c", "offline", "offline", "partner", "site=a", 3)
    assert query.url(page=3) == "q=a+b%26c&show=offline&state=offline&owner=partner&label=site%3Da&page=3"
    assert "page" not in query.url(show="all")
