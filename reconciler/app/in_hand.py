"""In hand: the chargers that an apply brings there itself, in its own order and at its own pace."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

LOOK_EVERY_S: Final = 60.0
"""How often they are looked at with all others; each of them is when its turn comes, too."""


class InHand:
    """Which those are, and when they were last looked at with all others; `let_go` is called with those of the past."""

    def __init__(self, let_go: Callable[..., None]) -> None:
        self._let_go = let_go
        self._names: set[str] = set()
        self._looked_s = 0.0

    def __contains__(self, charger: str) -> bool:
        return charger in self._names

    @contextmanager
    def taken(self, chargers: Iterable[str]) -> Iterator[None]:
        """Have these in hand meanwhile."""
        names = tuple(chargers)
        self._names.update(names)
        try:
            yield
        finally:
            self._names.difference_update(names)
            if names:
                self._let_go(*names)

    def spared(self, now_s: float) -> Collection[str]:
        """Return whom a look at all at `now_s` may leave out: most flip just now, so that there is much to be read."""
        if self._names and now_s < self._looked_s + LOOK_EVERY_S:
            return self._names
        self._looked_s = now_s
        return ()
