"""Writing behind: history, charger memories and kept calls reach the store in batches, never in the path of a frame."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from reconciler.app.ports import ChargerMemory, KeptCall, Log, Store
from reconciler.app.strangers import Strangers
from reconciler.errors import FwdctlError
from reconciler.model.history import HistoryEvent
from reconciler.model.live import Stranger

_EVENTS_MAX: Final = 100_000
_RETRY_S: Final = 1.0
_COMMIT_PATIENCE_S: Final = 5.0
_STRANGERS_EVERY_S: Final = 1.0


class _Waiting:
    """Something to be done once a commit is safe; done once."""

    __slots__ = ("_then",)

    def __init__(self, then: Callable[[], None]) -> None:
        self._then: Callable[[], None] | None = then

    def release(self) -> bool:
        """Do it now; False where it was done before."""
        then, self._then = self._then, None
        if then is not None:
            then()
        return then is not None


@dataclass(slots=True)
class _Batch:
    """What is written in one go, and who waits for it."""

    memories: dict[str, Callable[[], ChargerMemory]] = field(default_factory=dict)
    kept: list[tuple[KeptCall, Callable[[], None]]] = field(default_factory=list)
    forgotten: list[tuple[str, int]] = field(default_factory=list)
    events: list[HistoryEvent] = field(default_factory=list)
    waiting: list[_Waiting] = field(default_factory=list)
    strangers: Strangers = field(default_factory=Strangers)

    def __bool__(self) -> bool:
        return bool(self.memories or self.kept or self.forgotten or self.events or self.waiting or self.strangers)

    def followed_by(self, newer: "_Batch") -> "_Batch":
        """Return both in one, oldest first."""
        return _Batch(
            {**self.memories, **newer.memories},
            self.kept + newer.kept,
            self.forgotten + newer.forgotten,
            (self.events + newer.events)[-_EVENTS_MAX:],
            self.waiting + newer.waiting,
            self.strangers.followed_by(newer.strangers),
        )


class Recorder:
    """A write-behind queue in front of the store.

    While one batch is written the next one gathers, so the store sets the pace. Memories are read when they are
    written: many changes of one charger between two batches cost one write.
    """

    def __init__(self, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self._batch = _Batch()
        self._wake = asyncio.Event()
        self._strangers_due: asyncio.TimerHandle | None = None
        self._strangers_at_s = 0.0
        self._closing = False

    def event(self, event: HistoryEvent) -> None:
        """Put an event into history, soon."""
        if len(self._batch.events) < _EVENTS_MAX:
            self._batch.events.append(event)
        self._wake.set()

    def stranger(self, stranger: Stranger) -> None:
        """Note a knock, soon; a flood of them has a write of its own no oftener than every `_STRANGERS_EVERY_S`."""
        self._batch.strangers.add(stranger)
        if self._strangers_due is None:
            loop = asyncio.get_running_loop()
            pause_s = max(0.0, self._strangers_at_s + _STRANGERS_EVERY_S - loop.time())
            self._strangers_due = loop.call_later(pause_s, self._wake.set)

    def remember(self, charger: str, snapshot: Callable[[], ChargerMemory]) -> None:
        """Write what `snapshot` then returns, soon."""
        self._batch.memories[charger] = snapshot
        self._wake.set()

    def commit(self, charger: str, snapshot: Callable[[], ChargerMemory], then: Callable[[], None]) -> None:
        """Write what `snapshot` then returns with the next batch, and call `then` once it is safe.

        A store that is away for longer than `_COMMIT_PATIENCE_S` does not keep the station waiting: money and safety
        are better served by an answer than by a station that gives up. That is logged.
        """
        self.remember(charger, snapshot)
        waiting = _Waiting(then)
        self._batch.waiting.append(waiting)
        asyncio.get_running_loop().call_later(_COMMIT_PATIENCE_S, self._out_of_patience, charger, waiting)

    def keep(self, call: KeptCall, then: Callable[[], None]) -> None:
        """Store a call with the next batch and call `then` once it is safe, never before: it acknowledges the call."""
        self._batch.kept.append((call, then))
        self._wake.set()

    def forget(self, charger: str, seqs: Iterable[int]) -> None:
        """Delete kept calls that their owner has."""
        self._batch.forgotten += [(charger, seq) for seq in seqs]
        self._wake.set()

    async def run(self) -> None:
        """Write until `close`."""
        while not self._closing or self._batch:
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
        batch, self._batch = self._batch, _Batch()
        try:
            await self._write(batch)
        except BaseException:
            self._batch = batch.followed_by(self._batch)
            raise

    async def _write(self, batch: _Batch) -> None:
        """Write a batch; what is written leaves it, so that the rest can be tried again."""
        if batch.memories:
            await self._store.remember([snapshot() for snapshot in batch.memories.values()])
            batch.memories = {}
        while batch.waiting:
            batch.waiting.pop(0).release()
        if batch.kept:
            await self._store.keep_calls([call for call, _ in batch.kept])
            kept, batch.kept = batch.kept, []
            for _, then in kept:
                then()
        if batch.forgotten:
            await self._store.forget_calls(batch.forgotten)
            batch.forgotten = []
        if batch.events:
            await self._store.record(batch.events)
            batch.events = []
        if batch.strangers:
            self._strangers_due, self._strangers_at_s = None, asyncio.get_running_loop().time()
            await self._store.note_strangers(batch.strangers.all())
            batch.strangers = Strangers()

    def close(self) -> None:
        """Let `run` write what is left and return."""
        self._closing = True
        self._wake.set()

    def _out_of_patience(self, charger: str, waiting: _Waiting) -> None:
        if waiting.release():
            self._log("commit-late", charger=charger, patience_s=_COMMIT_PATIENCE_S)
