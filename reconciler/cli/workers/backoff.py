"""When a process that ended is started again: at once the first time, then later and later."""

from typing import Final

FIRST_S: Final = 1.0
LAST_S: Final = 30.0
STEADY_S: Final = 60.0
"""One that was up for so long begins from the start again."""


class Backoff:
    """The restarts of one process."""

    def __init__(self) -> None:
        self._ended = 0

    def delay_s(self, up_s: float) -> float:
        """Return how long to wait after it ended that was up for `up_s`."""
        self._ended = 1 if up_s >= STEADY_S else self._ended + 1
        return 0.0 if self._ended == 1 else min(LAST_S, float(FIRST_S * 2 ** (self._ended - 2)))
