"""Every rule over every charger's whole history; each violation names rule, time and frames."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.simulation.history import INPUTS, Record, What
from tests.simulation.rules_of_backlog import Backlogs
from tests.simulation.rules_of_calls import Calls, Copies
from tests.simulation.rules_of_commands import Commands
from tests.simulation.rules_of_composition import Compositions
from tests.simulation.rules_of_failover import Failovers
from tests.simulation.rules_of_ids import ChosenIds, ListVersions, TransactionIds
from tests.simulation.rules_of_registration import Registrations
from tests.simulation.rules_of_residue import LegsOfTheirOwn, Residues
from tests.simulation.rules_of_sessions import Endings, Flips, Hostility
from tests.simulation.scene import Scene
from tests.simulation.world import World


class Rule(Protocol):
    """Watches a history; `see` is called before the scene follows the record."""

    def see(self, record: Record) -> Iterable[str]:
        """Return what is wrong with this record: "R2: why" each."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule."""

    rule: str
    charger: str
    why: str
    record: Record

    def __str__(self) -> str:
        return f"{self.rule} {self.charger} {self.why}\n    {self.record.line()[:400]}"


def violations(world: World) -> list[Violation]:
    """Check every rule over everything that happened."""
    found = []
    for site in world.sites:
        scene = Scene()
        rules: tuple[Rule, ...] = (
            TransactionIds(scene),
            Calls(scene),
            Copies(scene),
            Commands(scene),
            Registrations(scene),
            Flips(scene),
            Endings(scene),
            Hostility(scene),
            Compositions(scene),
            ChosenIds(scene),
            ListVersions(scene),
            Backlogs(scene),
            LegsOfTheirOwn(scene),
            Residues(scene),
            Failovers(scene),
        )
        steps = _steps(site.history)
        for number, record in enumerate(site.history):
            if number in steps:
                scene.stepping(steps[number])
            scene.before(record)
            for rule in rules:
                for complaint in rule.see(record):
                    name, _, why = complaint.partition(": ")
                    found.append(Violation(name, site.name, why, record))
            scene.follow(record)
    return found


def _steps(history: Sequence[Record]) -> dict[int, int]:
    """Return the inputs that brought a step: place in the history -> generation."""
    steps, began = {}, 0
    for number, record in enumerate(history):
        if record.what in INPUTS:
            began = number
        elif record.what is What.STEPPED:
            steps[began + 1] = record.number
    return steps
