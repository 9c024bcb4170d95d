"""The other half of the seeds, so that two workers share them."""

import pytest

from tests.simulation.rules import violations
from tests.simulation.test_seeds import SEEDS
from tests.simulation.world import World


@pytest.mark.parametrize("seed", range(1, SEEDS, 2))
def test_no_rule_is_broken(seed: int) -> None:
    found = violations(World(seed).run())
    assert not found, "\n".join(map(str, found[:5]))
