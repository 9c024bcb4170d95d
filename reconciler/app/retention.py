"""Retention: what is older than it is to be kept goes, in small batches, by one node for all.

revisions    followed by another before the span, and not of the last ones: their versions, texts and plan ids
besides      toggles and outages over before the span; what is remembered of chargers that no kept revision declares
history      events, the journal of applies, notices and notifications, tokens and pauses that are over
operations   90 days
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec

from reconciler.app.duty import Duty
from reconciler.app.ports import Clock
from reconciler.app.tasks import Report

FIRST_AFTER_S: Final = 1.0
"""A start has better things to do, and whoever waits for its first plan does not wait for this."""
EVERY_S: Final = 3600.0
BATCH: Final = 500
"""Rows forgotten in one transaction: writers wait for it."""
APPLIES_BATCH: Final = 20
"""Applies forgotten in one transaction: each has a row for every charger that it touched."""
BREATHE_S: Final = 0.05
"""Between two batches: others have the database to themselves."""
OPERATIONS_KEPT: Final = timedelta(days=90)
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class RetentionStore(Protocol):
    """What forgets; each deletes at most so many and returns how many it did."""

    async def retain_revisions(self, since: datetime, at_least: int) -> None:
        """Give up the revisions that were followed by another one before `since`, all but the last `at_least`."""

    async def forget_versions(self, at_most: int) -> int:
        """Delete versions of resources that no kept revision has."""

    async def forget_revisions(self, at_most: int) -> int:
        """Delete revisions that were given up and that no version begins or ends with."""

    async def forget_chargers(self, at_most: int) -> int:
        """Delete what is remembered of chargers that no kept revision declares."""

    async def forget_interventions(self, before: datetime, at_most: int) -> int:
        """Delete toggles, and outages begun by hand, that were over before then."""

    async def forget_events(self, before: datetime, at_most: int) -> int:
        """Delete events from before then, the oldest first."""

    async def forget_rollouts(self, before: datetime, at_most: int) -> int:
        """Delete applies that are over and began before then, with their steps; one that chargers wait for is kept."""

    async def forget_ended(self, before: datetime, operations_before: datetime, at_most: int) -> int:
        """Delete what ended before then: of each kind of notice, token, pause and the like; operations their own."""


class Keep(msgspec.Struct, frozen=True):
    """For how long things are kept, in seconds; of revisions the last ones in any case."""

    history_s: float
    revisions_s: float
    revisions: int


class Retention:
    """Forgets what is older than `keep` says, as long as it has the duty."""

    def __init__(self, store: RetentionStore, clock: Clock, keep: Keep, duty: Duty, report: Report) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._duty = duty
        self._report = report

    async def run(self) -> None:
        """Forget, soon and every hour, until cancelled; a store that is away for a while is no end."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            try:
                await self.forget()
            except Exception as error:  # noqa: BLE001 - it is tried again in an hour
                self._report("retention", error)
            await asyncio.sleep(EVERY_S)

    async def forget(self) -> int:
        """Forget everything that is old enough by now, and return how many rows that were."""
        if not self._duty.held:
            return 0
        store, now = self._store, self._clock.now()
        span, history = _ago(now, self._keep.revisions_s), _ago(now, self._keep.history_s)
        await store.retain_revisions(span, self._keep.revisions)
        return sum(
            [
                await self._all(store.forget_versions),
                await self._all(store.forget_revisions),
                await self._all(store.forget_chargers),
                await self._all(lambda most: store.forget_interventions(span, most)),
                await self._all(lambda most: store.forget_events(history, most)),
                await self._all(lambda most: store.forget_rollouts(history, most), APPLIES_BATCH),
                await self._all(lambda most: store.forget_ended(history, now - OPERATIONS_KEPT, most)),
            ]
        )

    async def _all(self, forget: Callable[[int], Awaitable[int]], batch: int = BATCH) -> int:
        total = 0
        while self._duty.held and (forgotten := await forget(batch)):
            total += forgotten
            await asyncio.sleep(BREATHE_S)
        return total


def _ago(now: datetime, seconds: float) -> datetime:
    """Return that time, or one before everything where there is no such time."""
    try:
        return max(now - timedelta(seconds=seconds), _EVER)
    except OverflowError:
        return _EVER
