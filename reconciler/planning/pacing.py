"""Pacing: in which order and how fast an apply takes its chargers, and what stops it."""

import math
from collections.abc import Iterable
from typing import Final

import msgspec

from reconciler.model.plan import Disruption, Effect
from reconciler.planning.guard import Share

PARALLELISM: Final = 20
RECONNECTS_PER_S: Final = 50.0
JITTER: Final = 0.5
"""A wait is up to this share longer or shorter: stations sent off at a steady beat would come back at one."""
_SENT_OFF: Final = (Disruption.RECONNECT, Disruption.DISCONNECT)
"""Both dial in again; those that are no longer declared, in vain."""


class Pace(msgspec.Struct, frozen=True):
    """What the caller wants of an apply's course.

    `parallelism` chargers change at once. `canary` of the connected ones go first, and have to be confirmed. More
    than `max_failures` failed chargers stop it (None: nothing does). Flips and reconnects a second, None: as they go.
    """

    parallelism: int = PARALLELISM
    canary: Share | None = None
    max_failures: int | None = None
    flips_per_s: float | None = None
    reconnects_per_s: float | None = RECONNECTS_PER_S


def canaries(effects: Iterable[Effect], share: Share | None) -> frozenset[str]:
    """Return the chargers that go first: at least one, spread evenly over those that are connected and notice."""
    if share is None:
        return frozenset()
    names = sorted(
        name
        for effect in effects
        if effect.disruption in (Disruption.LIVE_FLIP, Disruption.RECONNECT)
        for name in effect.chargers
    )
    count = math.ceil(len(names) * share.number / 100) if share.percent else int(share.number)
    count = min(len(names), max(1, count))
    return frozenset(names[position * len(names) // count] for position in range(count))


class Tempo:
    """Spaces flips, and reconnects, over time; time is an argument."""

    def __init__(self, pace: Pace) -> None:
        self._rates: dict[str, float | None] = {
            Disruption.LIVE_FLIP: pace.flips_per_s,
            **dict.fromkeys(_SENT_OFF, pace.reconnects_per_s),
        }
        self._free_at_s: dict[str, float] = {}

    def wait_s(self, disruption: str, now_s: float, chance: float) -> float:
        """Take the next place and return how long to wait for it; `chance` in 0..1 varies reconnects."""
        rate = self._rates.get(disruption)
        if rate is None:
            return 0.0
        vary = 1 + JITTER * (2 * chance - 1) if disruption in _SENT_OFF else 1.0
        at_s = max(now_s, self._free_at_s.get(disruption, now_s))
        self._free_at_s[disruption] = at_s + vary / rate
        return at_s - now_s
