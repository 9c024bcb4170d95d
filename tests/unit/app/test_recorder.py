"""Writing behind: batches, nothing lost while the store is away, and answers that wait for the store."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from reconciler.app import recorder as module
from reconciler.app.ports import ChargerMemory, KeptCall
from reconciler.app.recorder import Recorder
from reconciler.errors import FwdctlError
from reconciler.model.history import HistoryEvent
from reconciler.testing.waiting import Bell
from tests.support.memory_store import MemoryStore

AT = datetime(2026, 12, 1, tzinfo=UTC)


class Store(MemoryStore):
    """A store that counts its writes, can be slow, and can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []
        self.attempts = 0
        self.bell = Bell()
        self.unreachable = False
        self.held: asyncio.Event | None = None

    async def remember(self, memories: Sequence[ChargerMemory]) -> None:
        await self._reach("memories")
        await super().remember(memories)

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        await self._reach("events")
        await super().record(events)

    async def keep_calls(self, calls: Sequence[KeptCall]) -> None:
        await self._reach("kept calls")
        await super().keep_calls(calls)

    async def forget_calls(self, calls: Sequence[tuple[str, int]]) -> None:
        await self._reach("forgotten calls")
        await super().forget_calls(calls)

    async def _reach(self, what: str) -> None:
        self.attempts += 1
        self.bell.ring()
        if self.held is not None:
            await self.held.wait()
        if self.unreachable:
            raise FwdctlError("the store is away")
        self.writes.append(what)
        self.bell.ring()


class Lines:
    """A log that keeps the names of its lines."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, event: str, **fields: object) -> None:
        self.events.append(event)


def event(number: int) -> HistoryEvent:
    return HistoryEvent(AT, "flip", f"no. {number}")


def memory(charger: str = "cp1", boot: bytes = b"{}") -> ChargerMemory:
    return ChargerMemory(charger, "ocpp1.6", boot)


async def test_many_changes_of_a_charger_between_two_batches_cost_one_write_of_the_latest() -> None:
    store = Store()
    writing = Recorder(store, Lines())
    boots = [b"1"]
    for number in range(10):
        boots.append(b"%d" % number)
        writing.remember("cp1", lambda: memory(boot=boots[-1]))
        writing.event(event(number))
    boots.append(b"latest")
    await writing.flush()
    assert store.writes == ["memories", "events"]
    assert [kept.boot for kept in await store.memories()] == [b"latest"]
    assert [kept.summary for kept in store.events] == [f"no. {number}" for number in range(10)]


async def test_with_nothing_to_write_nothing_is_written() -> None:
    store = Store()
    await Recorder(store, Lines()).flush()
    assert store.writes == []


async def test_run_writes_what_comes_and_close_lets_it_finish() -> None:
    store = Store()
    writing = Recorder(store, Lines())
    running = asyncio.get_running_loop().create_task(writing.run())
    writing.event(event(1))
    await store.bell.until(lambda: store.writes, 5.0)
    writing.event(event(2))
    writing.remember("cp1", memory)
    writing.close()
    await asyncio.wait_for(running, 5)
    assert [kept.summary for kept in store.events] == ["no. 1", "no. 2"]
    assert [kept.charger for kept in await store.memories()] == ["cp1"]


async def test_while_one_batch_is_written_the_next_one_gathers() -> None:
    store = Store()
    store.held = asyncio.Event()
    writing = Recorder(store, Lines())
    running = asyncio.get_running_loop().create_task(writing.run())
    writing.event(event(0))
    await asyncio.sleep(0)
    for number in range(1, 100):
        writing.event(event(number))
    store.held.set()
    writing.close()
    await asyncio.wait_for(running, 5)
    assert len(store.events) == 100
    assert len(store.writes) == 2


async def test_what_can_not_be_written_is_kept_in_order_and_newer_memories_win() -> None:
    store = Store()
    store.unreachable = True
    writing = Recorder(store, Lines())
    writing.event(event(1))
    writing.remember("cp1", lambda: memory("cp1", b"old"))
    writing.remember("cp2", lambda: memory("cp2", b"old"))
    with pytest.raises(FwdctlError):
        await writing.flush()
    writing.event(event(2))
    writing.remember("cp1", lambda: memory("cp1", b"new"))
    store.unreachable = False
    await writing.flush()
    assert [kept.summary for kept in store.events] == ["no. 1", "no. 2"]
    assert {kept.charger: kept.boot for kept in await store.memories()} == {"cp1": b"new", "cp2": b"old"}


async def test_a_store_that_comes_back_gets_everything_and_the_outage_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    store, lines = Store(), Lines()
    store.unreachable = True
    writing = Recorder(store, lines)
    running = asyncio.get_running_loop().create_task(writing.run())
    writing.event(event(1))
    await store.bell.until(lambda: store.attempts == 3, 5.0)
    store.unreachable = False
    await store.bell.until(lambda: store.writes, 5.0)
    writing.close()
    await asyncio.wait_for(running, 5)
    assert set(lines.events) == {"store-unavailable"}
    assert [kept.summary for kept in store.events] == ["no. 1"]


async def test_a_store_that_is_away_at_the_end_does_not_hold_up_the_end() -> None:
    store, lines = Store(), Lines()
    store.unreachable = True
    writing = Recorder(store, lines)
    writing.event(event(1))
    writing.close()
    await asyncio.wait_for(writing.run(), 5)
    assert lines.events == ["store-unavailable"]


async def test_what_waits_for_a_commit_happens_after_the_memory_is_stored_and_before_history_is() -> None:
    store = Store()
    writing = Recorder(store, Lines())
    writing.event(event(1))
    writing.commit("cp1", memory, lambda: store.writes.append("answered"))
    assert store.writes == []
    await writing.flush()
    assert store.writes == ["memories", "answered", "events"]


async def test_what_waits_for_a_commit_that_fails_waits_for_the_next_one() -> None:
    store = Store()
    store.unreachable = True
    writing = Recorder(store, Lines())
    answered: list[int] = []
    writing.commit("cp1", memory, lambda: answered.append(1))
    with pytest.raises(FwdctlError):
        await writing.flush()
    assert answered == []
    store.unreachable = False
    await writing.flush()
    await writing.flush()
    assert answered == [1]


async def test_a_store_that_stays_away_does_not_keep_a_station_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COMMIT_PATIENCE_S", 0.005)
    store, lines = Store(), Lines()
    store.unreachable = True
    writing = Recorder(store, lines)
    answered = asyncio.Event()
    answers: list[int] = []

    def answer() -> None:
        answers.append(1)
        answered.set()

    writing.commit("cp1", memory, answer)
    await asyncio.wait_for(answered.wait(), 5)
    assert lines.events == ["commit-late"]
    store.unreachable = False
    await writing.flush()
    assert answers == [1]


async def test_a_kept_call_is_acknowledged_once_it_is_stored_and_never_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COMMIT_PATIENCE_S", 0.0)
    store = Store()
    store.unreachable = True
    writing = Recorder(store, Lines())
    acknowledged: list[int] = []
    for seq in (1, 2):
        writing.keep(KeptCall("cp1", seq, b"{}", AT), lambda seq=seq: acknowledged.append(seq))
    with pytest.raises(FwdctlError):
        await writing.flush()
    await asyncio.sleep(0.01)  # patience is for answers, not for these
    assert acknowledged == []
    store.unreachable = False
    await writing.flush()
    await writing.flush()
    assert acknowledged == [1, 2]
    assert [call.seq for call in await store.kept_calls()] == [1, 2]


async def test_a_call_kept_and_forgotten_in_one_batch_is_forgotten() -> None:
    store = Store()
    writing = Recorder(store, Lines())
    writing.keep(KeptCall("cp1", 1, b"{}", AT), lambda: None)
    writing.keep(KeptCall("cp1", 2, b"{}", AT), lambda: None)
    writing.forget("cp1", [1])
    await writing.flush()
    assert [call.seq for call in await store.kept_calls()] == [2]
    writing.forget("cp1", [2])
    await writing.flush()
    assert await store.kept_calls() == ()
