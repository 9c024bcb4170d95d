"""Token buckets, bounded in number: how much of something each of many may do at once, and how fast it comes back."""

import math
from collections import OrderedDict
from typing import Final

import msgspec

BUCKETS_MAX: Final = 20_000


class Allowance(msgspec.Struct, frozen=True):
    """How many are taken at once, and how fast they are forgiven."""

    burst: int
    per_s: float


class Allowances:
    """What is left to each key; a key that nobody draws on has all of it, and is not kept for long."""

    def __init__(self, maximum: int = BUCKETS_MAX) -> None:
        self._maximum = maximum
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()  # left, as of when

    def wait_s(self, key: tuple[str, str], allowance: Allowance, now_s: float) -> int:
        """Return how long `key` has to wait for the next one, in whole seconds; 0 where it need not."""
        return max(0, math.ceil((1 - self._left(key, allowance, now_s)) / allowance.per_s))

    def take(self, key: tuple[str, str], allowance: Allowance, now_s: float) -> None:
        """Take one from `key`, down to nothing."""
        self._buckets[key] = max(0.0, self._left(key, allowance, now_s) - 1), now_s
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._maximum:
            self._buckets.popitem(last=False)

    def _left(self, key: tuple[str, str], allowance: Allowance, now_s: float) -> float:
        left, at_s = self._buckets.get(key, (float(allowance.burst), now_s))
        return min(float(allowance.burst), left + (now_s - at_s) * allowance.per_s)
