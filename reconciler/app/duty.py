"""Duties: what one node does for all nodes that share a store, under a lease with an incarnation.

A node that is gone, or has lost touch with the store, is relieved within LEASE_S and one KEEP_EVERY_S. The incarnation
is a fencing token: it grows with every change of hands, and the store takes a write only with the newest one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from reconciler.app.ports import Clock, Store
from reconciler.app.tasks import Report

LEASE_S: Final = 10.0
KEEP_EVERY_S: Final = 3.0


class Duty(Protocol):
    """Something that is done by whoever holds it."""

    @property
    def held(self) -> bool:
        """Return True while it is this node's."""

    async def keep(self) -> bool:
        """Take it where it is free, keep it where it is this node's; return whether it is now."""


class SoleDuty:
    """The duty of a node that has its store for itself."""

    held: Final = True

    async def keep(self) -> bool:
        """Return True."""
        return True


async def _nothing() -> None:
    """There is nothing to catch up with."""


class LeasedDuty:
    """A duty that several nodes stand by for; `holder` names this start of this node."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        name: str,
        holder: str,
        catch_up: Callable[[], Awaitable[object]] = _nothing,
    ) -> None:
        self.name: Final = name
        self.holder: Final = holder
        self.incarnation = 0
        """The newest that was this node's."""
        self._store = store
        self._clock = clock
        self._catch_up = catch_up
        """Awaited when it comes to this node, before it is held: by then nobody else can write any more."""
        self._until_s = 0.0

    @property
    def held(self) -> bool:
        """Return True while the lease runs, on this node's own monotonic clock."""
        return self._clock.monotonic_s() < self._until_s

    async def keep(self) -> bool:
        """Take or renew the lease."""
        asked_s = self._clock.monotonic_s()
        incarnation = await self._store.lead(self.name, self.holder, self._clock.now(), LEASE_S)
        if incarnation is None:
            self._until_s = 0.0
            return False
        if incarnation != self.incarnation:
            await self._catch_up()
        self.incarnation, self._until_s = incarnation, asked_s + LEASE_S
        return True

    async def yield_now(self) -> None:
        """Give it up, so that another node need not wait; harmless where it is not this node's."""
        self._until_s = 0.0
        await self._store.yield_lead(self.name, self.holder)


async def keep_for_ever(duty: Duty, turned: Callable[[], None], report: Report) -> None:
    """Keep `duty` as long as this runs, and call `turned` whenever it comes or goes."""
    while True:
        before = duty.held
        try:
            await duty.keep()
        except Exception as error:  # noqa: BLE001 - the store may be away for a while; the lease then runs out
            report("duty", error)
        if duty.held is not before:
            turned()
        await asyncio.sleep(KEEP_EVERY_S)
