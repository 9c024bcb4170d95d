"""Virtual time, and connections that delay, keep the order, and break."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Clock:
    """Virtual time: what is due next happens next, ties in the order they were asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._ties = itertools.count()

    def after(self, delay_s: float, do: Callable[[], None]) -> None:
        """Have `do` happen in `delay_s` seconds."""
        self.at(self.now + delay_s, do)

    def at(self, instant_s: float, do: Callable[[], None]) -> None:
        """Have `do` happen at `instant_s`, to the last bit; at once if that is over."""
        heapq.heappush(self._due, (max(instant_s, self.now), next(self._ties), do))

    def run(self, until_s: float) -> None:
        """Let everything happen that is due by then."""
        while self._due and self._due[0][0] <= until_s:
            self.now, _, do = heapq.heappop(self._due)
            do()
        self.now = until_s


@dataclass(slots=True)
class Wire:
    """One direction of a connection: delays, keeps the order, loses what is under way when it breaks."""

    clock: Clock
    rng: random.Random
    slow_s: float
    open: bool = True
    _last: float = 0.0

    def carry(self, deliver: Callable[[], None]) -> None:
        """Deliver after a delay, unless the wire breaks before."""
        self._last = max(self._last, self.clock.now + self.rng.uniform(0.001, self.slow_s))
        self.clock.after(self._last - self.clock.now, lambda: deliver() if self.open else None)


@dataclass(slots=True)
class Connection:
    """An open socket between two ends, both directions."""

    up: Wire
    down: Wire
    peer: Any = field(default=None, repr=False)

    @property
    def open(self) -> bool:
        """True until either side closed it."""
        return self.up.open

    def cut(self) -> None:
        """End it; what is under way is lost."""
        self.up.open = self.down.open = False
