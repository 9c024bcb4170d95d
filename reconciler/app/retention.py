"""Retention: history's events and the journal of applies are kept for so long and no longer.

What was applied, and by whom, is kept for ever.
"""

import asyncio
from datetime import timedelta
from typing import Final

from reconciler.app.ports import Clock, Store
from reconciler.app.tasks import Report

EVERY_S: Final = 3600.0
BATCH: Final = 2_000
"""Events forgotten in one transaction: writers wait for it."""
APPLIES_BATCH: Final = 20
"""Applies forgotten in one transaction: each has a row for every charger that it touched."""


class Retention:
    """Forgets what is older than `keep_s`."""

    def __init__(self, store: Store, clock: Clock, keep_s: float, report: Report) -> None:
        self._store = store
        self._clock = clock
        self._keep = timedelta(seconds=keep_s)
        self._report = report

    async def run(self) -> None:
        """Forget, now and every hour, until cancelled; a store that is away for a while is no end."""
        while True:
            try:
                await self.forget()
            except Exception as error:  # noqa: BLE001 - it is tried again in an hour
                self._report("retention", error)
            await asyncio.sleep(EVERY_S)

    async def forget(self) -> int:
        """Forget everything that is old enough by now, and return how many events and applies that were."""
        before, total = self._clock.now() - self._keep, 0
        while forgotten := await self._store.forget_events(before, BATCH):
            total += forgotten
        while forgotten := await self._store.forget_rollouts(before, APPLIES_BATCH):
            total += forgotten
        return total
