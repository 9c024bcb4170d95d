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
_COMMIT_PATIENCE_S: Final = 5.0


class _Waiting:
    """Something to be done once a commit is safe; done once."""

    __slots__ = ("then",)

    def __init__(self, then: Callable[[], None]) -> None:
        self.then: Callable[[], None] | None = then

    def release(self) -> bool:
        """Do it now; False where it was done before."""
        then, self.then = self.then, None
        if then is not None:
            then()
        return then is not None


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
        self._waiting: list[_Waiting] = []
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

    def commit(self, charger: str, snapshot: Callable[[], ChargerMemory], then: Callable[[], None]) -> None:
        """Write what `snapshot` then returns with the next batch, and call `then` once it is safe.

        A store that is away for longer than `_COMMIT_PATIENCE_S` does not keep the station waiting: money and safety
        are better served by an answer than by a station that gives up. That is logged.
        """
        self.remember(charger, snapshot)
        waiting = _Waiting(then)
        self._waiting.append(waiting)
        asyncio.get_running_loop().call_later(_COMMIT_PATIENCE_S, self._out_of_patience, charger, waiting)

    def _out_of_patience(self, charger: str, waiting: "_Waiting") -> None:
        if waiting.release():
            self._log("commit-late", charger=charger, patience_s=_COMMIT_PATIENCE_S)

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
        waiting, self._waiting = self._waiting, []
        events, self._events = list(self._events), deque(maxlen=_EVENTS_MAX)
        memories: Mapping[str, Callable[[], ChargerMemory]] = self._memories
        self._memories = {}
        try:
            if memories:
                await self._store.remember([snapshot() for snapshot in memories.values()])
                memories = {}
            for committed in waiting:
                committed.release()
            if events:
                await self._store.record(events)
        except FwdctlError:
            self._events.extendleft(reversed(events))
            self._memories = {**memories, **self._memories}
            self._waiting = [late for late in waiting if late.then is not None] + self._waiting
            raise

    def close(self) -> None:
        """Let `run` write what is left and return."""
        self._closing = True
        self._wake.set()
