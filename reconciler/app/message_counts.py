"""Message counts: how many messages passed over time, of each charger and of all, read off counters that sessions keep.

Nothing is counted here as it passes. Every two minutes each session's counters are read, a few hundred sessions at a
time, and what they grew by goes into a ring that holds the last hour (of a charger) or day (of all). Other nodes tell
what their counters say with what they report anyway, once a minute. A restart begins anew.
"""

import asyncio
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from reconciler.app.passed import DOWN, UP, Passed
from reconciler.app.ports import Clock
from reconciler.app.relay_mirror import News, RelayMirror
from reconciler.app.relay_rows import NodeStart, Report
from reconciler.app.station_session import Totals

BIN_S: Final = 120
CHARGER_BINS: Final = 30
"""An hour."""
FLEET_BINS: Final = 720
"""A day."""
_HERE: Final = ""
_LANES_MAX: Final = 16
_AT_ONCE: Final = 250
"""Sessions read in one turn of the event loop, a millisecond or two."""
_MOST: Final = 2**32 - 1


class Counts(msgspec.Struct, frozen=True):
    """Lane (UP, DOWN or a back-end) -> how many messages in each stretch of BIN_S, oldest first; the first at `since`.

    A back-end's are the calls that passed between it and the charger, whichever way.
    """

    since: datetime
    until: datetime
    lanes: Mapping[str, tuple[int, ...]]


class Ring:
    """Counts by lane in the newest `bins` stretches of time; stretches have numbers, and the oldest make way."""

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._newest = 0
        self._lanes: dict[str, array[int]] = {}

    def add(self, number: int, lane: str, count: int) -> None:
        """Count more in the stretch of this number, or in the newest one where that is newer."""
        self._turn_to(number)
        counts = self._lanes.get(lane)
        if counts is None:
            if len(self._lanes) >= _LANES_MAX:
                self._lanes = {name: kept for name, kept in self._lanes.items() if any(kept)}
            counts = self._lanes[lane] = array("I", bytes(4 * self._bins))
        place = self._newest % self._bins
        counts[place] = min(counts[place] + count, _MOST)

    def read(self, number: int) -> Mapping[str, tuple[int, ...]]:
        """Return each lane's counts up to the stretch of this number, oldest first; lanes with nothing are left out."""
        self._turn_to(number)
        first = (self._newest + 1) % self._bins
        found = {lane: (*counts[first:], *counts[:first]) for lane, counts in self._lanes.items()}
        return {lane: counts for lane, counts in found.items() if any(counts)}

    def _turn_to(self, number: int) -> None:
        if number <= self._newest:
            return  # the clock was set back
        for gone in range(max(self._newest + 1, number - self._bins + 1), number + 1):
            for counts in self._lanes.values():
                counts[gone % self._bins] = 0
        self._newest = number


@dataclass(slots=True, eq=False)
class _Charger:
    """One charger's ring, and what each node had counted of it when that was last read; this one is ""."""

    ring: Ring = field(default_factory=lambda: Ring(CHARGER_BINS))
    read: dict[str, Passed] = field(default_factory=dict)


class Slots(Protocol):
    """The chargers of this process, as the relay node keeps them."""

    @property
    def totals(self) -> Totals:
        """Return what was forwarded in all."""

    def passed(self, charger: str) -> Passed:
        """Return how many messages passed of a charger at this node, by lane."""


class MessageCounts:
    """Reads the chargers of this process, and takes what others report; `names` gives those that there are to be."""

    def __init__(self, slots: Slots, names: Callable[[], Iterable[str]], clock: Clock) -> None:
        self._slots = slots
        self._names = names
        self._clock = clock
        self._chargers: dict[str, _Charger] = {}
        self._fleet = Ring(FLEET_BINS)
        self._fleet_read = {UP: 0, DOWN: 0}

    def follow(self, mirror: RelayMirror, start: NodeStart) -> None:
        """Count from now on what passes at nodes other than `start` as well, whenever they report it.

        What they reported before passed nobody knows when, and is left out.
        """
        for charger, report in mirror.reports.items():
            if report.start != start and report.passed:
                self._kept(charger).read[str(report.start)] = report.passed

        def heard(news: News) -> None:
            number = self._number()
            for report in news.reports:
                if report.start != start and report.passed:
                    self._take(report, number, mirror.starts())

        mirror.listen(heard)

    async def run(self) -> None:
        """Read at the end of every stretch, for ever."""
        while True:
            await asyncio.sleep(BIN_S - self._clock.now().timestamp() % BIN_S)
            await self.read(self._number() - 1)

    async def read(self, number: int) -> None:
        """Read every charger of this process, for the stretch of this number."""
        self._read_fleet(number)
        names = list(self._names())
        for gone in self._chargers.keys() - set(names):
            del self._chargers[gone]
        for position, name in enumerate(names, 1):
            self._read(name, number)
            if position % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def of(self, charger: str) -> Counts:
        """Return what passed of a charger in the last hour, up to now."""
        number = self._number()
        self._read(charger, number)
        kept = self._chargers.get(charger)
        return self._counts(kept.ring if kept is not None else Ring(CHARGER_BINS), number, CHARGER_BINS)

    def of_all(self) -> Counts:
        """Return what passed of all chargers in the last day, up to now."""
        number = self._number()
        self._read_fleet(number)
        return self._counts(self._fleet, number, FLEET_BINS)

    def _kept(self, charger: str) -> _Charger:
        kept = self._chargers.get(charger)
        if kept is None:
            kept = self._chargers[charger] = _Charger()
        return kept

    def _read(self, name: str, number: int) -> None:
        passed = self._slots.passed(name)
        if passed:
            _grow(self._kept(name), _HERE, passed, number)

    def _take(self, report: Report, number: int, starts: Collection[str]) -> None:
        """Count what another node reports; what nodes had counted that are gone can't grow, and is forgotten."""
        kept, source = self._kept(report.charger), str(report.start)
        grown = _grow(kept, source, report.passed, number)
        for lane in (UP, DOWN):
            self._fleet.add(number, lane, grown.get(lane, 0))
        kept.read = {each: read for each, read in kept.read.items() if each in (_HERE, source) or each in starts}

    def _read_fleet(self, number: int) -> None:
        now = {UP: self._slots.totals.up, DOWN: self._slots.totals.down}
        for lane, count in now.items():
            self._fleet.add(number, lane, count - self._fleet_read[lane])
        self._fleet_read = now

    def _number(self) -> int:
        return int(self._clock.now().timestamp()) // BIN_S

    def _counts(self, ring: Ring, number: int, bins: int) -> Counts:
        since = datetime.fromtimestamp((number - bins + 1) * BIN_S, UTC)
        return Counts(since, self._clock.now(), ring.read(number))


def _grow(kept: _Charger, source: str, passed: Passed, number: int) -> Passed:
    """Count what a node's counts grew by since they were last read, and return that.

    A leg that was taken away took its counts along: what is less than before has not grown.
    """
    before, kept.read[source] = kept.read.get(source, {}), passed
    grown = {lane: count - before.get(lane, 0) for lane, count in passed.items() if count > before.get(lane, 0)}
    for lane, count in grown.items():
        kept.ring.add(number, lane, count)
    return grown
