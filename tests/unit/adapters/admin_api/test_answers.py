"""The answer about a whole fleet: the same whatever its size, and written in pieces."""

import json

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.answers import WRITTEN_AT_ONCE
from reconciler.app.api_contract import FORMAT_VERSION
from tests.support.specs import World, a_site


async def test_a_fleet_is_answered_in_one_piece_of_json_that_was_written_in_many() -> None:
    world = World()
    await world.apply(a_site(2, {"partner": "primary"}))
    world.relay.connect("cp000")
    await world.reconciler.controller.tick(world.clock.now())
    two = await world.reconciler.status()
    for count in (0, 1, WRITTEN_AT_ONCE, 2 * WRITTEN_AT_ONCE + 1):
        some = [two[number % 2] for number in range(count)]
        answer = answers.status(some, 3)
        pieces = [bytes(piece) async for piece in answer.body_iterator]  # type: ignore[arg-type]  # none is a text
        assert len(pieces) == 2 + -(-count // WRITTEN_AT_ONCE)  # none is more than a few chargers
        found = json.loads(b"".join(pieces))
        assert list(found) == ["format_version", "chargers", "strangers"]
        assert (found["format_version"], found["strangers"]) == (FORMAT_VERSION, 3)
        assert [charger["charger"] for charger in found["chargers"]] == [status.name for status in some]
        assert answer.media_type == "application/json"
