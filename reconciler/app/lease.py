"""Lease: the apply lock, held for as long as a block runs and renewed meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from reconciler.app.ports import Clock, Store
from reconciler.app.tasks import Report
from reconciler.errors import LockHeld

LEASE_S: Final = 30.0
RENEW_EVERY_S: Final = LEASE_S / 3
ASK_AGAIN_S: Final = 0.5
"""While another writer holds the lock and the caller is willing to wait."""


class Lease:
    """The lock as this holder has it."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.lost = False

    def check(self) -> None:
        """Raise LockHeld where the lock was broken or taken over meanwhile."""
        if self.lost:
            raise LockHeld(
                f"the apply lock of {self.holder} was broken or taken over before anything was written",
                hint="see who has it: fwdctl lock; then apply again",
            )


@asynccontextmanager
async def hold_lock(
    store: Store,
    clock: Clock,
    *,
    holder: str,
    purpose: str,
    report: Report,
    timeout_s: float = 0.0,
    check: Callable[[], None] = lambda: None,
) -> AsyncIterator[Lease]:
    """Hold the apply lock for the block; wait at most `timeout_s` for it, then LockHeld is raised.

    `check` is called while it is waited for, and raises what is to end that; `report` hears of renewals that fail.
    `holder` must be unique to the caller. A lease that runs out, since this process or the store had no time for
    another renewal, is taken again by the next one, unless somebody broke it or had the lock meanwhile. What protects
    the specs is their versions; the lock keeps two people from surprising each other.
    """
    await _acquire(store, clock, holder, purpose, timeout_s, check)
    lease = Lease(holder)
    renewing = asyncio.get_running_loop().create_task(_renew(store, clock, lease, report), name="lease")
    try:
        yield lease
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await store.release_lock(holder)


async def _acquire(
    store: Store, clock: Clock, holder: str, purpose: str, timeout_s: float, check: Callable[[], None]
) -> None:
    deadline_s = clock.monotonic_s() + timeout_s
    while True:
        try:
            await store.acquire_lock(holder, purpose, clock.now(), LEASE_S)
        except LockHeld:
            left_s = deadline_s - clock.monotonic_s()
            if left_s <= 0:
                raise
            check()
            await asyncio.sleep(min(ASK_AGAIN_S, left_s))
        else:
            return


async def _renew(store: Store, clock: Clock, lease: Lease, report: Report) -> None:
    while not lease.lost:
        await asyncio.sleep(RENEW_EVERY_S)
        try:
            lease.lost = not await store.renew_lock(lease.holder, clock.now(), LEASE_S)
        except Exception as error:  # noqa: BLE001 - whatever it is: the next renewal says whose the lock is
            report("apply lock", error)
