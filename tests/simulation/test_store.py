"""The simulated store promises no more than the real one keeps: a world over the real one has the same history."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

from tests.simulation.history import What
from tests.simulation.rules import violations
from tests.simulation.store import StoreOnDisk
from tests.simulation.world import World

WORLDS = 1


def worlds() -> Iterator[World]:
    """Yield worlds in which the relay is killed, and finds calls again that wait for their owner."""
    for world in (World(seed).run() for seed in range(60)):
        happened = {record.what for site in world.sites for record in site.history}
        if {What.RESTORED, What.FORGET} <= happened:
            yield world


def test_a_world_over_the_real_store_is_the_same_world(tmp_path: Path) -> None:
    found = list(itertools.islice(worlds(), WORLDS))
    assert len(found) == WORLDS
    for simulated in found:
        folder = tmp_path / str(simulated.seed)
        folder.mkdir()
        with asyncio.Runner() as runner:
            real = World(simulated.seed, lambda *world, folder=folder: StoreOnDisk(*world, folder, runner)).run()  # type: ignore[misc]
            assert real.store.memories() == simulated.store.memories()
            assert real.store.kept_calls() == simulated.store.kept_calls()
            assert isinstance(real.store, StoreOnDisk)
            real.store.close()
        assert real.hash == simulated.hash
        assert violations(real) == []
