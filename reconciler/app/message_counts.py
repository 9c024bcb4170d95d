"""Message counts: how many messages passed over time, of each charger and of all, read off counters that sessions keep.

Nothing is counted here as it passes. Every two minutes each session's counters are read, a few hundred sessions at a
time, and what they grew by goes into a ring that holds the last hour (of a charger) or day (of all). A restart begins
anew.
"""

import asyncio
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from reconciler.app.charger_slot import ChargerSlot
from reconciler.app.ports import Clock
from reconciler.app.station_session import StationSession, Totals

BIN_S: Final = 120
CHARGER_BINS: Final = 30
"""An hour."""
FLEET_BINS: Final = 720
"""A day."""
UP: Final = "↑"
"""The lane of what chargers sent; no back-end can have such a name."""
DOWN: Final = "↓"
"""The lane of what was sent to chargers."""
_LANES_MAX: Final = 16
_AT_ONCE: Final = 250
"""Sessions read in one turn of the event loop, a millisecond or two."""
_MOST: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Counts:
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
    """One charger's ring, and what its session's counters said when they were last read."""

    ring: Ring = field(default_factory=lambda: Ring(CHARGER_BINS))
    session: StationSession | None = None
    read: Mapping[str, int] = field(default_factory=dict)


class Slots(Protocol):
    """The chargers of this process, as the relay node keeps them."""

    @property
    def totals(self) -> Totals:
        """Return what was forwarded in all."""

    def slot(self, charger: str) -> ChargerSlot | None:
        """Return what is kept of a charger, None where it is not declared."""


class MessageCounts:
    """Reads the sessions of this process; `names` gives the chargers that there are to be."""

    def __init__(self, slots: Slots, names: Callable[[], Iterable[str]], clock: Clock) -> None:
        self._slots = slots
        self._names = names
        self._clock = clock
        self._chargers: dict[str, _Charger] = {}
        self._fleet = Ring(FLEET_BINS)
        self._fleet_read = {UP: 0, DOWN: 0}

    async def run(self) -> None:
        """Read at the end of every stretch, for ever."""
        while True:
            await asyncio.sleep(BIN_S - self._clock.now().timestamp() % BIN_S)
            await self.read(self._number() - 1)

    async def read(self, number: int) -> None:
        """Read every session, for the stretch of this number."""
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
        """Return what passed of all chargers of this process in the last day, up to now."""
        number = self._number()
        self._read_fleet(number)
        return self._counts(self._fleet, number, FLEET_BINS)

    def _read(self, name: str, number: int) -> None:
        slot, kept = self._slots.slot(name), self._chargers.get(name)
        session = slot.session if slot is not None else None
        if kept is None:
            if session is None:
                return
            kept = self._chargers[name] = _Charger()
        if kept.session is not None and kept.session is not session:
            _grow(kept, kept.session, number)  # what it did after it was last read
            kept.session, kept.read = None, {}
        if session is not None:
            kept.session = session
            _grow(kept, session, number)

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


def _grow(kept: _Charger, session: StationSession, number: int) -> None:
    """Count what a session's counters grew by since they were last read; a leg that was made anew begins at nothing."""
    legs = session.core.state.legs.values()
    now = {UP: session.frames.up, DOWN: session.frames.down, **{leg.name: leg.frames for leg in legs}}
    for lane, count in now.items():
        before = kept.read.get(lane, 0)
        grown = count - before if count >= before else count
        if grown:
            kept.ring.add(number, lane, grown)
    kept.read = now
