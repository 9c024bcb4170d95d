"""Moments on their way to whoever tells of them: into the store at once, and out of it once they are decided.

noted, by any node ──> rows ──> read at each tick of the node that acts ──> claims ──> the rows are forgotten
                                 └── it dies in between: the next one reads them again, and claims nothing twice
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from reconciler.app.tasks import Report
from reconciler.local.notifications import Moment
from reconciler.model.notifications import Suppressed

KEPT_FOR: Final = timedelta(days=1)
"""What is older when it is read, as nothing ran meanwhile, is no news any more."""
AT_ONCE: Final = 1_000
"""Rows read in one tick; the others wait for the next one."""
_WAITING_MAX: Final = 10_000
"""Held here while the store is away."""
_RETRY_S: Final = 1.0


class MomentStore(Protocol):
    """Where moments are between whoever noted them and whoever decides on them."""

    async def put_moments(self, moments: Sequence[Moment]) -> None:
        """Store these, in this order."""

    async def moments(self, at_most: int) -> tuple[tuple[int, Moment], ...]:
        """Return the oldest ones, each with the number of its row."""

    async def count_suppressed(self, more: Sequence[Suppressed], decided: Sequence[int] = ()) -> None:
        """Add to the counts of what was not sent, and forget the moments decided on, in one transaction."""


class Moments:
    """Those of this node, and the way to those of all."""

    def __init__(self, store: MomentStore, report: Report) -> None:
        self._store = store
        self._report = report
        self._waiting: list[Moment] = []
        self._wake = asyncio.Event()

    def note(self, moment: Moment) -> None:
        """Take one; it is in the store soon."""
        if len(self._waiting) < _WAITING_MAX:
            self._waiting.append(moment)
            self._wake.set()

    async def run(self) -> None:
        """Write what is noted, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.write()
            except Exception as error:  # noqa: BLE001 - the store may be away for a while
                self._report("moments", error)
                self._wake.set()
                await asyncio.sleep(_RETRY_S)

    async def write(self) -> None:
        """Write what is noted so far; what can't be written waits on."""
        batch, self._waiting = self._waiting, []
        if batch:
            try:
                await self._store.put_moments(batch)
            except BaseException:
                self._waiting = (batch + self._waiting)[:_WAITING_MAX]
                raise

    async def read(self, now: datetime) -> tuple[list[int], list[Moment]]:
        """Return the rows to forget once these moments of all nodes are decided on."""
        await self.write()
        rows = await self._store.moments(AT_ONCE)
        return [number for number, _ in rows], [moment for _, moment in rows if now - moment.at <= KEPT_FOR]
