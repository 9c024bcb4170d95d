"""Lease: the apply lock around a block."""

import asyncio

import pytest

from reconciler.app import lease
from reconciler.app.lease import LEASE_S, hold_lock
from reconciler.errors import FwdctlError, LockHeld
from tests.support.clock import FakeClock
from tests.support.memory_store import MemoryStore


async def test_the_lock_is_held_for_the_block_and_given_back() -> None:
    store, clock = MemoryStore(), FakeClock()
    async with hold_lock(store, clock, holder="ann", purpose="apply"):
        held = await store.lock(clock.now())
        assert held is not None
        assert (held.holder, held.purpose) == ("ann", "apply")
    assert await store.lock(clock.now()) is None


async def test_the_lock_is_given_back_where_the_block_fails() -> None:
    store, clock = MemoryStore(), FakeClock()
    with pytest.raises(ZeroDivisionError):
        async with hold_lock(store, clock, holder="ann", purpose="apply"):
            raise ZeroDivisionError
    assert await store.lock(clock.now()) is None


async def test_without_patience_a_held_lock_is_refused_at_once() -> None:
    store, clock = MemoryStore(), FakeClock()
    await store.acquire_lock("bob", "apply", clock.now(), LEASE_S)
    with pytest.raises(LockHeld, match="bob"):
        async with hold_lock(store, clock, holder="ann", purpose="apply"):
            raise AssertionError("two writers")
    held = await store.lock(clock.now())
    assert held is not None
    assert held.holder == "bob"


async def test_with_patience_the_lock_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "ASK_AGAIN_S", 0)
    asked = asyncio.Event()

    class Asked(MemoryStore):
        async def acquire_lock(self, *question: object) -> None:
            asked.set()
            await super().acquire_lock(*question)  # type: ignore[arg-type]

    store, clock = Asked(), FakeClock()
    await store.acquire_lock("bob", "apply", clock.now(), LEASE_S)
    asked.clear()

    async def wait() -> None:
        async with hold_lock(store, clock, holder="ann", purpose="apply", timeout_s=60):
            held = await store.lock(clock.now())
            assert held is not None
            assert held.holder == "ann"

    waiting = asyncio.get_running_loop().create_task(wait())
    await asked.wait()
    await store.release_lock("bob")
    await waiting


async def test_the_lease_is_renewed_while_the_block_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_S", 0)
    renewals: asyncio.Queue[bool] = asyncio.Queue()

    class Renewed(MemoryStore):
        async def renew_lock(self, *question: object) -> bool:
            renewals.put_nowait(await super().renew_lock(*question))  # type: ignore[arg-type]
            if renewals.qsize() == 2:
                raise FwdctlError("the store is away for a moment")
            return True

    clock = FakeClock()
    async with hold_lock(Renewed(), clock, holder="ann", purpose="apply") as held:
        for _ in range(5):
            clock.advance(LEASE_S - 1)
            assert await renewals.get()
        held.check()


async def test_a_broken_lock_is_noticed_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_S", 0)
    noticed = asyncio.Event()

    class Broken(MemoryStore):
        async def renew_lock(self, *question: object) -> bool:
            renewed = await super().renew_lock(*question)  # type: ignore[arg-type]
            if not renewed:
                noticed.set()
            return renewed

    store = Broken()
    async with hold_lock(store, FakeClock(), holder="ann", purpose="apply") as held:
        await store.break_lock()
        await noticed.wait()
        with pytest.raises(LockHeld, match="was broken or ran out"):
            held.check()
