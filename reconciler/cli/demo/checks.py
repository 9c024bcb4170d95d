"""Checks: what was expected of the demo beside what was observed."""

from dataclasses import dataclass, field

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One fact: it holds where the two are equal."""

    what: str
    expected: object
    observed: object

    @property
    def holds(self) -> bool:
        """Return whether what was observed is what was expected."""
        return self.expected == self.observed


@dataclass(slots=True)
class Checks:
    """All facts checked so far."""

    made: list[Check] = field(default_factory=list)

    def expect(self, what: str, expected: object, observed: object) -> None:
        """Note a fact."""
        self.made.append(Check(what, expected, observed))

    @property
    def hold(self) -> bool:
        """Return whether all of them hold, and there are any."""
        return bool(self.made) and all(check.holds for check in self.made)
