"""Seeds that `make test` runs: no rule is broken, and a seed is a whole history."""

from typing import Final

import pytest

from tests.simulation import __main__ as command
from tests.simulation.history import What
from tests.simulation.rules import violations
from tests.simulation.world import World

SEEDS: Final = 200
"""`make sim SEEDS=1000` explores."""


@pytest.mark.parametrize("seed", range(0, SEEDS, 2))
def test_no_rule_is_broken(seed: int) -> None:
    found = violations(World(seed).run())
    assert not found, "\n".join(map(str, found[:5]))


def test_the_same_seed_is_the_same_history() -> None:
    assert World(5).run().hash == World(5).run().hash
    assert World(5).run().hash != World(6).run().hash


def test_the_worlds_are_eventful() -> None:
    worlds = [World(seed).run() for seed in range(12)]
    happened = {record.what for world in worlds for site in world.sites for record in site.history}
    assert happened >= set(What) - {What.RAISED, What.GREW, What.SPUN, What.REDIAL_LEG}
    notes = {
        record.text.split()[0] for world in worlds for site in world.sites for record in site.history if record.text
    }
    assert notes >= {"refused-call", "queue-full", "queue-timeout", "call-timeout", "copy-dropped", "stray-answer"}


def test_one_seed_can_be_replayed_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["simulation", "--seed", "3"])
    assert command.main() == 0
    assert f"0 violations, history {World(3).run().hash}" in capsys.readouterr().out
