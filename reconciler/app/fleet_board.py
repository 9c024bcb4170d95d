"""The fleet board: one picture of all chargers for everybody who watches, taken anew when something happened.

However many watch, there is one picture; it is never taken more often than its cost allows, and not at all while
nobody looks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec

from reconciler.app.ports import Clock
from reconciler.app.status import ChargerStatus

GATHER_S: Final = 0.5
"""A picture is at least this old before the next one is taken: a thousand changes at once make one picture."""
SHARE: Final = 0.05
"""The part of its time that the process gives to pictures, at most."""
STALE_S: Final = 3.0
"""Not everything that changes says so; a picture older than this is taken anew for who watches."""


class Picture(msgspec.Struct, frozen=True):
    """The chargers by name, in order; `number` counts pictures from 1."""

    number: int
    chargers: Mapping[str, ChargerStatus]


class FleetBoard:
    """Keeps the newest picture, and wakes who waits for the next one."""

    def __init__(self, take: Callable[[], Awaitable[Sequence[ChargerStatus]]], clock: Clock) -> None:
        self._take = take
        self._clock = clock
        self._picture = Picture(0, {})
        self._taken_s = 0.0
        self._cost_s = 0.0
        self._stirred = asyncio.Event()
        self._turn = asyncio.Lock()
        self.closed = False
        self._closing = asyncio.Event()

    def stir(self, _charger: str = "") -> None:
        """Say that something changed; costs nothing, for it is called wherever something does."""
        self._stirred.set()

    async def read(self) -> Picture:
        """Return the newest picture, a new one where something happened since, as far as they may be taken."""
        old = not self._picture.number or self._stirred.is_set() or self._age_s() >= STALE_S
        if old and (not self._picture.number or self._age_s() >= self._pace_s()):
            await self._renew(self._picture.number)
        return self._picture

    async def next(self, after: int, wait_s: float) -> Picture | None:
        """Return a picture newer than number `after` once there is one, None where there is none within `wait_s`."""
        deadline_s = self._clock.monotonic_s() + wait_s
        while not self.closed:
            if self._picture.number > after:
                return self._picture
            rest_s = max(0.0, STALE_S - self._age_s())
            try:
                async with asyncio.timeout(max(0.0, min(deadline_s - self._clock.monotonic_s(), rest_s))):
                    await self._stirred.wait()
            except TimeoutError:
                if self._clock.monotonic_s() >= deadline_s:
                    return None
            await asyncio.sleep(max(0.0, self._pace_s() - self._age_s()))
            if self._picture.number <= after:
                await self._renew(self._picture.number)
        return None

    def close(self) -> None:
        """Send everybody home who waits: the server stops."""
        self.closed = True
        self._closing.set()
        self._stirred.set()

    async def pause(self, wait_s: float) -> None:
        """Return after `wait_s`, or at once when the server stops."""
        try:
            async with asyncio.timeout(wait_s):
                await self._closing.wait()
        except TimeoutError:
            return

    async def _renew(self, seen: int) -> None:
        """Take a picture, unless somebody has taken one since number `seen`."""
        async with self._turn:
            if self._picture.number != seen:
                return
            self._stirred.clear()
            begun_s = self._clock.monotonic_s()
            chargers = await self._take()
            self._taken_s = self._clock.monotonic_s()
            self._cost_s = self._taken_s - begun_s
            self._picture = Picture(self._picture.number + 1, {status.name: status for status in chargers})

    def _age_s(self) -> float:
        return self._clock.monotonic_s() - self._taken_s

    def _pace_s(self) -> float:
        """Return how old a picture is at least before the next one may be taken."""
        return max(GATHER_S, self._cost_s / SHARE)
