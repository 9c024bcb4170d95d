"""Looking at chargers: all of them in slices between which the loop runs, a few at once."""

import asyncio

from reconciler.app.sightings import AT_ONCE, Sightings, live_of_all
from tests.support.fake_relay import FakeRelay


def fleet(count: int) -> tuple[FakeRelay, list[str]]:
    """Return a relay with so many connected chargers, and their names."""
    relay, names = FakeRelay(), [f"cp{number:03}" for number in range(count)]
    relay.connect(*names)
    return relay, names


async def test_the_event_loop_gets_its_turn_while_thousands_are_looked_at() -> None:
    relay, names = fleet(3 * AT_ONCE)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        beside = tasks.create_task(others())
        assert (await live_of_all(relay)).keys() == set(names)
        beside.cancel()
    assert relay.looked_at == [AT_ONCE] * 3
    assert turns >= 2


async def test_whom_the_relay_knows_no_more_is_not_there_any_more() -> None:
    relay, names = fleet(3)
    sightings = Sightings(relay)
    await sightings.look_at_all()
    assert sightings.connected == 3
    relay.forget(names[0])
    assert sightings.look_at(names[:2]).keys() == {names[1]}
    assert sightings.live.keys() == set(names[1:])
    relay.forget(names[1])
    await sightings.look_at_all()
    assert sightings.live.keys() == {names[2]}


async def test_who_left_since_is_not_counted_as_connected() -> None:
    relay, names = fleet(2)
    sightings = Sightings(relay)
    await sightings.look_at_all()
    relay.disconnect(names[0])
    sightings.look_at(names)
    assert sightings.connected == 1
