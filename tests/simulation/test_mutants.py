"""The simulation bites: each fault put into the core on purpose is found within a few seeds, by the rule it breaks."""

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.rules import violations
from tests.simulation.world import World

SEEDS_MAX = 40


@pytest.mark.parametrize(("mutant", "rule"), MUTANTS, ids=[mutant.__name__ for mutant, _ in MUTANTS])
def test_a_mutant_is_found(mutant: Mutant, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    for seed in range(SEEDS_MAX):
        if any(violation.rule == rule for violation in violations(World(seed).run())):
            return
    pytest.fail(f"{mutant.__name__} survived {SEEDS_MAX} seeds")
