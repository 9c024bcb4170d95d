"""Writing behind: history events and charger memories reach the store in batches, never in the path of a frame."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from reconciler.app.ports import ChargerMemory, Log, Store
from reconciler.errors import FwdctlError
from reconciler.model.history import HistoryEvent

_EVENTS_MAX: Final = 100_000
_RETRY_S: Final = 1.0


class Recorder:
    """A write-behind queue in front of the store.

    While one batch is written the next one gathers, so the store sets the pace. Memories are read when they are
    written: many changes of one charger between two batches cost one write.
    """

    def __init__(self, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self._events: deque[HistoryEvent] = deque(maxlen=_EVENTS_MAX)
        self._memories: dict[str, Callable[[], ChargerMemory]] = {}
        self._wake = asyncio.Event()
        self._closing = False

    def event(self, event: HistoryEvent) -> None:
        """Put an event into history, soon."""
        self._events.append(event)
        self._wake.set()

    def remember(self, charger: str, snapshot: Callable[[], ChargerMemory]) -> None:
        """Write what `snapshot` then returns, soon."""
        self._memories[charger] = snapshot
        self._wake.set()

    async def run(self) -> None:
        """Write until `close`."""
        while not self._closing or self._events or self._memories:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
            except FwdctlError as error:
                self._log("store-unavailable", reason=error.summary)
                if self._closing:
                    return
                await asyncio.sleep(_RETRY_S)
                self._wake.set()

    async def flush(self) -> None:
        """Write what has gathered; what can't be written is kept for the next time."""
        events, self._events = list(self._events), deque(maxlen=_EVENTS_MAX)
        memories: Mapping[str, Callable[[], ChargerMemory]] = self._memories
        self._memories = {}
        try:
            if memories:
                await self._store.remember([snapshot() for snapshot in memories.values()])
                memories = {}
            if events:
                await self._store.record(events)
        except FwdctlError:
            self._events.extendleft(reversed(events))
            self._memories = {**memories, **self._memories}
            raise

    def close(self) -> None:
        """Let `run` write what is left and return."""
        self._closing = True
        self._wake.set()
