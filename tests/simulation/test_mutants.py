"""The simulation bites: each fault put into the core on purpose is found within a few seeds, by the rule it breaks."""

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.rules import violations
from tests.simulation.world import World

SEEDS_MAX = 40


@pytest.mark.parametrize("case", MUTANTS, ids=[mutant.__name__ for mutant, *_ in MUTANTS])
def test_a_mutant_is_found(case: tuple[Mutant, str] | tuple[Mutant, str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant, rule, *begin = case
    mutant(monkeypatch)
    first = begin[0] if begin else 0
    for seed in range(first, first + SEEDS_MAX):
        if any(violation.rule == rule for violation in violations(World(seed).run())):
            return
    pytest.fail(f"{mutant.__name__} survived {SEEDS_MAX} seeds")
