"""What notification rules go by at other nodes: each says how its chargers stand, when asked at each tick.

What happened there comes another way, see `moments.py`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from reconciler.app.errands import Body, Errands, NobodyKnows, NotBegun
from reconciler.app.fleet_stations import FleetStations
from reconciler.errors import FwdctlError
from reconciler.local.notifications import Condition
from reconciler.model.live import LiveCharger

STANDING: Final = "notification-facts"
STANDING_WITHIN_S: Final = 3.0

Legs = Mapping[str, bool]
"""Back-end -> whether it is away; one that is neither away for long nor registered is not in it."""


class Standing(msgspec.Struct, frozen=True):
    """How chargers of one node stand, by charger."""

    conditions: Mapping[str, tuple[Condition, ...]] = msgspec.field(default_factory=dict)
    legs: Mapping[str, Legs] = msgspec.field(default_factory=dict)


class Reach(Protocol):
    """What is known of chargers that are connected to other nodes."""

    def last_elsewhere(self, charger: str) -> LiveCharger | None:
        """Return how a charger runs that was connected to another node last, None for any other."""

    async def standing(self) -> Standing:
        """Return how chargers stand that are connected elsewhere."""


class NoReach:
    """Implements `Reach` where there are no other nodes."""

    def last_elsewhere(self, charger: str) -> LiveCharger | None:
        """Return None."""
        return None

    async def standing(self) -> Standing:
        """Return nothing."""
        return Standing()


class Difference(msgspec.Struct):
    """What a node answers: what is otherwise than in its answer before `seq`, or all where `is_all`."""

    seq: int
    is_all: bool
    conditions: dict[str, tuple[Condition, ...]]
    legs: dict[str, dict[str, bool]]
    gone: list[str]


@dataclass(slots=True)
class _Told:
    """What another start knows of this node: as of the answer `seq`."""

    seq: int = 0
    standing: Standing = field(default_factory=Standing)


class FleetReach:
    """Implements `Reach` by errands; `here` says how chargers of this node stand.

    An answer has but what changed since the last one that was read, so a fleet in which nothing happens costs nothing.
    """

    def __init__(self, stations: FleetStations, errands: Errands) -> None:
        self.here: Callable[[], Standing] = Standing
        self.last_elsewhere = stations.last_elsewhere
        self._stations = stations
        self._errands = errands
        self._known: dict[str, _Told] = {}
        """Start -> what it has told."""
        self._told: dict[str, _Told] = {}
        """Start -> what it was told."""
        errands.on(STANDING, self._for_another)

    async def standing(self) -> Standing:
        """See Reach; of a node that does not answer it is what it said last."""
        starts = self._stations.other_starts()
        self._known = {start: self._known.get(start, _Told()) for start in starts}
        await asyncio.gather(*(self._ask(start) for start in starts))
        conditions: dict[str, tuple[Condition, ...]] = {}
        legs: dict[str, Legs] = {}
        for known in self._known.values():
            conditions |= known.standing.conditions
            legs |= known.standing.legs
        return Standing(conditions, legs)

    async def _ask(self, start: str) -> None:
        known = self._known[start]
        try:
            async with asyncio.timeout(STANDING_WITHIN_S):
                answer = await self._errands.ask(start, STANDING, {"from": self._errands.start, "seen": known.seq})
        except (NotBegun, NobodyKnows, TimeoutError, FwdctlError):
            return
        found = msgspec.convert(answer, Difference)
        before = Standing() if found.is_all else known.standing
        gone = frozenset(found.gone)
        conditions = {name: one for name, one in before.conditions.items() if name not in gone} | found.conditions
        legs = {name: one for name, one in before.legs.items() if name not in gone} | found.legs
        self._known[start] = _Told(found.seq, Standing(conditions, legs))

    async def _for_another(self, body: Body) -> Body:
        start, now = str(body["from"]), self.here()
        alive = self._stations.other_starts()
        self._told = {other: told for other, told in self._told.items() if other in alive}
        told = self._told.get(start, _Told())
        is_all = body["seen"] != told.seq or not told.seq
        before = Standing() if is_all else told.standing
        self._told[start] = _Told(told.seq + 1, now)
        changed = [
            name
            for name, found in now.conditions.items()
            if name not in before.conditions
            or not _is_same(found, before.conditions[name])
            or now.legs[name] != before.legs[name]
        ]
        difference = Difference(
            told.seq + 1,
            is_all,
            {name: now.conditions[name] for name in changed},
            {name: dict(now.legs[name]) for name in changed},
            [name for name in before.conditions if name not in now.conditions],
        )
        answer: Body = msgspec.to_builtins(difference)
        return answer


def _is_same(one: tuple[Condition, ...], other: tuple[Condition, ...]) -> bool:
    """Return whether nothing is otherwise but since when something does not stand, which is now at any time."""
    return len(one) == len(other) and all(
        a == b or (not a.stands and replace(a, since=b.since) == b) for a, b in zip(one, other, strict=True)
    )
