"""Sightings: how chargers run, as read off the relay; thousands of them without holding up a frame."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Protocol

from reconciler.model.live import LiveCharger

AT_ONCE: Final = 200
"""Chargers read between two turns of the event loop: some milliseconds."""


class Seen(Protocol):
    """What can be looked at: a relay, or the node of this process."""

    def names(self) -> Collection[str]:
        """See `RelayPort`."""

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """See `RelayPort`."""


async def live_of_all(relay: Seen) -> dict[str, LiveCharger]:
    """Return how every charger runs, each as at one moment: the last some turns of the loop after the first."""
    sightings = Sightings(relay)
    await sightings.look_at_all()
    return dict(sightings.live)


class Sightings:
    """How every charger ran when it was last looked at."""

    def __init__(self, relay: Seen) -> None:
        self._relay = relay
        self._live: dict[str, LiveCharger] = {}

    @property
    def live(self) -> Mapping[str, LiveCharger]:
        """Return the last sighting of each charger, by name."""
        return self._live

    @property
    def connected(self) -> int:
        """Return how many chargers were connected."""
        return sum(charger.connected for charger in self._live.values())

    def look_at(self, chargers: Collection[str]) -> Mapping[str, LiveCharger]:
        """Look at these chargers and return how they run; those that the relay does not know are left out."""
        seen = self._relay.live(chargers)
        for name in chargers:
            if name not in seen:
                self._live.pop(name, None)
        self._live |= seen
        return seen

    async def look_at_all(self, but: Collection[str] = ()) -> None:
        """Look at every charger, except at those in `but`."""
        await self.look_over((self._live.keys() | set(self._relay.names())).difference(but))

    async def look_over(self, chargers: Collection[str]) -> Mapping[str, LiveCharger]:
        """Look at these chargers, thousands of them perhaps, in slices; return as `look_at`."""
        names, seen = tuple(chargers), dict[str, LiveCharger]()
        for start in range(0, len(names), AT_ONCE):
            if start:
                await asyncio.sleep(0)
            seen |= self.look_at(names[start : start + AT_ONCE])
        return seen

    async def away(self, chargers: Collection[str]) -> tuple[str, ...]:
        """Look at these chargers, and return those that are not connected."""
        seen = await self.look_over(chargers)
        return tuple(name for name in chargers if name not in seen or not seen[name].connected)
