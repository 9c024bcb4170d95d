"""Failovers by hand: listed, ended, refused."""

import pytest

from reconciler.errors import UnknownAddress
from tests.support.specs import World, a_site


async def test_with_nobody_standing_in_there_is_nothing_to_list_or_end() -> None:
    world = World()
    await world.apply(a_site(1))
    assert await world.reconciler.failovers.failovers() == ()
    assert await world.reconciler.failovers.end(["cp000"], actor="ann") == ()


async def test_an_unknown_charger_is_refused() -> None:
    world = World()
    await world.apply(a_site(1))
    with pytest.raises(UnknownAddress):
        await world.reconciler.failovers.end(["nobody"], actor="ann")
