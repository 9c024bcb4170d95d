"""The store of a simulated relay: it writes in batches, and only what is written outlives a kill.

The order within a batch is the recorder's: memories, then who waited for them, then kept calls, then forgotten ones;
a kill may fall between any two. `written` is all that ever was, for a test that lets the real store have the same.
"""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reconciler.adapters.store.sql_store import open_store
from reconciler.app.ports import ChargerMemory, KeptCall

if TYPE_CHECKING:
    from tests.simulation.network import Clock

Written = Sequence[ChargerMemory] | Sequence[KeptCall] | Sequence[tuple[str, int]]


class Remembering(Protocol):
    """Whose memory is written."""

    def snapshot(self) -> ChargerMemory:
        """Return the memory as it is now; it is about to be written."""

    def stored(self) -> None:
        """The last snapshot is safe."""


@dataclass(slots=True)
class _Batch:
    memories: dict[str, Remembering] = field(default_factory=dict)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    kept: list[tuple[KeptCall, Callable[[], None]]] = field(default_factory=list)
    forgotten: list[tuple[str, int]] = field(default_factory=list)


class SimulatedStore:
    """One relay's store, and the recorder in front of it."""

    def __init__(self, clock: "Clock", rng: random.Random) -> None:
        self._clock, self._rng = clock, rng
        self._batch = _Batch()
        self._writing = False
        self._process = 0
        self._memories: dict[str, ChargerMemory] = {}
        self._kept: dict[tuple[str, int], KeptCall] = {}
        self.written: list[tuple[str, Written]] = []

    # -- what the recorder is asked ----------------------------------------------------------------------------

    def remember(self, name: str, who: Remembering) -> None:
        """Write the memory of `who`, soon."""
        self._batch.memories[name] = who
        self._wake()

    def commit(self, name: str, who: Remembering, then: Callable[[], None]) -> None:
        """The same, and call `then` once it is safe."""
        self._batch.waiting.append(then)
        self.remember(name, who)

    def keep(self, name: str, seq: int, raw: bytes, then: Callable[[], None]) -> None:
        """Store a call, then call `then`."""
        at = datetime.fromtimestamp(self._clock.now, UTC)
        self._batch.kept.append((KeptCall(name, seq, raw, at), then))
        self._wake()

    def forget(self, name: str, seqs: Sequence[int]) -> None:
        """Delete kept calls."""
        self._batch.forgotten += [(name, seq) for seq in seqs]
        self._wake()

    # -- what is left ------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """The process dies: what was not written never will be."""
        self._process += 1
        self._batch, self._writing = _Batch(), False

    def memories(self) -> tuple[ChargerMemory, ...]:
        """Return every charger's memory, by charger."""
        return tuple(self._memories[name] for name in sorted(self._memories))

    def kept_calls(self) -> tuple[KeptCall, ...]:
        """Return every kept call, by charger and seq."""
        return tuple(self._kept[key] for key in sorted(self._kept))

    def _commit(self, name: str, what: Written) -> None:
        """Write; it is safe once this returns."""
        self.written.append((name, what))

    # -- writing -----------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if not self._writing:
            self._writing = True
            self._soon(self._write)

    def _soon(self, step: Callable[[], None]) -> None:
        process = self._process
        self._clock.after(self._rng.choice([0.0005, 0.002, 0.1]), lambda: step() if self._process == process else None)

    def _write(self) -> None:
        batch, self._batch = self._batch, _Batch()
        memories = [_as_stored(who.snapshot()) for who in batch.memories.values()]
        self._soon(lambda: self._remembered(batch, memories))

    def _remembered(self, batch: _Batch, memories: Sequence[ChargerMemory]) -> None:
        if memories:
            self._commit("remember", memories)
            self._memories |= {memory.charger: memory for memory in memories}
        for who in batch.memories.values():
            who.stored()
        for then in batch.waiting:
            then()
        self._soon(lambda: self._keep(batch))

    def _keep(self, batch: _Batch) -> None:
        if batch.kept:
            self._commit("keep_calls", [call for call, _ in batch.kept])
            self._kept |= {(call.charger, call.seq): call for call, _ in batch.kept}
        for _, then in batch.kept:
            then()
        self._soon(lambda: self._forget(batch))

    def _forget(self, batch: _Batch) -> None:
        if batch.forgotten:
            self._commit("forget_calls", batch.forgotten)
        for key in batch.forgotten:
            self._kept.pop(key, None)
        self._writing = False
        if self._batch != _Batch():
            self._wake()


def _as_stored(memory: ChargerMemory) -> ChargerMemory:
    return ChargerMemory(
        memory.charger, memory.version, memory.boot, dict(memory.statuses), json.loads(json.dumps(memory.ids))
    )


class StoreOnDisk(SimulatedStore):
    """The same over the product's own store, which a kill leaves as it is and the next process opens anew."""

    def __init__(self, clock: "Clock", rng: random.Random, folder: Path, runner: asyncio.Runner) -> None:
        super().__init__(clock, rng)
        self._folder, self._runner = folder, runner
        self._real = runner.run(open_store(None, folder))

    def kill(self) -> None:
        """The process dies, its connections with it."""
        super().kill()
        self.close()
        self._real = self._runner.run(open_store(None, self._folder))

    def close(self) -> None:
        """Let go of the database."""
        self._runner.run(self._real.close())

    def memories(self) -> tuple[ChargerMemory, ...]:
        """Return every charger's memory, by charger, as it is read back."""
        return self._runner.run(self._real.memories())

    def kept_calls(self) -> tuple[KeptCall, ...]:
        """Return every kept call, by charger and seq, as it is read back."""
        return self._runner.run(self._real.kept_calls())

    def _commit(self, name: str, what: Written) -> None:
        super()._commit(name, what)
        self._runner.run(getattr(self._real, name)(what))
