"""The simulated store promises no more than the real one keeps: the same writes leave the same behind."""

from pathlib import Path

from reconciler.adapters.store.sql_store import open_store
from tests.simulation.world import World


async def test_the_real_store_keeps_the_same(tmp_path: Path) -> None:
    worlds = (World(seed).run().store for seed in range(60))
    everything = {"remember", "keep_calls", "forget_calls"}
    simulated = next(it for it in worlds if it.kept_calls() and {name for name, _ in it.written} == everything)
    real = await open_store(None, tmp_path)
    try:
        for name, what in simulated.written:
            await getattr(real, name)(what)
        assert await real.memories() == simulated.memories()
        assert await real.kept_calls() == simulated.kept_calls()
    finally:
        await real.close()
