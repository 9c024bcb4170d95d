"""The trial of new settings: the leg is dialled with them, and the ones that worked stay at hand until it registered.

    new, new, new ──each dial that fails, each connection that ends unregistered: the next──> old, old, old ──> new ...
          └──registered──> the new ones count                                                   └──registered──> refused

Nothing is given up for good while neither works: a back-end that is just restarting must not lock its charger out.
Where a password can be read in two ways, each round tries both.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec
from msgspec.structs import replace

from reconciler.as_charger.settings import LegSettings

ROUNDS: Final = 3
"""How often each is dialled in a row; a back-end may take a moment to act on what it ordered."""


class Trial(msgspec.Struct, frozen=True):
    """`candidates` are new, the likeliest first; `fallback` is what worked last."""

    candidates: tuple[LegSettings, ...]
    fallback: LegSettings
    turn: int = 0
    opened: bool = False
    """A connection with what is current was opened; where another is to be dialled, it came to nothing."""

    @property
    def current(self) -> LegSettings:
        """Return what is to be dialled now."""
        new = len(self.candidates) * ROUNDS
        turn = self.turn % (new + ROUNDS)
        return self.candidates[turn % len(self.candidates)] if turn < new else self.fallback

    @property
    def fell_back(self) -> bool:
        """Return True while it is the old settings' turn."""
        return self.current is self.fallback

    def failed(self) -> "Trial":
        """Return the trial after a dial that did not lead to a registered leg."""
        return replace(self, turn=self.turn + 1, opened=False)

    def snapshot(self) -> dict[str, Any]:
        """Return everything as JSON data, secrets in the clear."""
        return {"candidates": [each.snapshot() for each in self.candidates], "fallback": self.fallback.snapshot()}

    @classmethod
    def restored(cls, snapshot: Mapping[str, Any]) -> Self:
        """Return what `snapshot` wrote, from its first turn."""
        candidates = tuple(LegSettings.restored(each) for each in snapshot["candidates"])
        return cls(candidates, LegSettings.restored(snapshot["fallback"]))
