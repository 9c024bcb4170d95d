"""Lease: the apply lock around a block."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from reconciler.app import lease
from reconciler.app.lease import LEASE_S, hold_lock
from reconciler.errors import FwdctlError, LockHeld
from tests.support.clock import FakeClock
from tests.support.memory_store import MemoryStore


def never(what: str, error: BaseException) -> None:
    """Nothing is to be reported."""
    raise AssertionError(what) from error


async def test_the_lock_is_held_for_the_block_and_given_back() -> None:
    store, clock = MemoryStore(), FakeClock()
    async with hold_lock(store, clock, holder="ann", purpose="apply", report=never):
        held = await store.lock(clock.now())
        assert held is not None
        assert (held.holder, held.purpose) == ("ann", "apply")
    assert await store.lock(clock.now()) is None


async def test_the_lock_is_given_back_where_the_block_fails() -> None:
    store, clock = MemoryStore(), FakeClock()
    with pytest.raises(ZeroDivisionError):
        async with hold_lock(store, clock, holder="ann", purpose="apply", report=never):
            raise ZeroDivisionError
    assert await store.lock(clock.now()) is None


async def test_without_patience_a_held_lock_is_refused_at_once() -> None:
    store, clock = MemoryStore(), FakeClock()
    await store.acquire_lock("bob", "apply", clock.now(), LEASE_S)
    with pytest.raises(LockHeld, match="bob"):
        async with hold_lock(store, clock, holder="ann", purpose="apply", report=never):
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
        async with hold_lock(store, clock, holder="ann", purpose="apply", report=never, timeout_s=60):
            held = await store.lock(clock.now())
            assert held is not None
            assert held.holder == "ann"

    waiting = asyncio.get_running_loop().create_task(wait())
    await asked.wait()
    await store.release_lock("bob")
    await waiting


@pytest.mark.parametrize("fault", [FwdctlError("the store is away for a moment"), RuntimeError("a driver's bug")])
async def test_the_lease_is_renewed_while_the_block_runs_whatever_one_renewal_raises(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_S", 0)
    reported: list[tuple[str, BaseException]] = []
    renewals: asyncio.Queue[bool] = asyncio.Queue()
    count = 0

    class Renewed(MemoryStore):
        async def renew_lock(self, *question: object) -> bool:
            nonlocal count
            count += 1
            renewals.put_nowait(await super().renew_lock(*question))  # type: ignore[arg-type]
            if count == 2:
                raise fault
            return True

    clock = FakeClock()

    def heard(what: str, error: BaseException) -> None:
        reported.append((what, error))

    async with hold_lock(Renewed(), clock, holder="ann", purpose="apply", report=heard) as held:
        for _ in range(5):
            clock.advance(LEASE_S - 1)
            assert await asyncio.wait_for(renewals.get(), 10)
        held.check()
    assert reported == [("apply lock", fault)]


class Slow(MemoryStore):
    """A store whose every renewal comes after the lease ran out; `between` is done in between."""

    def __init__(self, clock: FakeClock, between: Callable[["Slow"], Awaitable[object]] | None = None) -> None:
        super().__init__()
        self.clock = clock
        self.between = between
        self.renewals: asyncio.Queue[bool] = asyncio.Queue()

    async def renew_lock(self, holder: str, at: datetime, lease_s: float) -> bool:
        self.clock.advance(3 * LEASE_S)
        assert await self.lock(self.clock.now()) is None
        if self.between is not None:
            await self.between(self)
        renewed = await super().renew_lock(holder, self.clock.now(), lease_s)
        self.renewals.put_nowait(renewed)
        return renewed


async def test_a_lease_that_ran_out_is_taken_again_where_nobody_wanted_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_S", 0)
    store = Slow(clock := FakeClock())
    async with hold_lock(store, clock, holder="ann", purpose="apply", report=never) as held:
        for _ in range(3):
            assert await store.renewals.get()
            assert (await store.lock(clock.now()) or pytest.fail("nobody has it")).holder == "ann"
        held.check()


async def _break(store: Slow) -> None:
    await store.break_lock()


async def _take(store: Slow) -> None:
    await store.acquire_lock("bob", "apply", store.clock.now(), LEASE_S)


@pytest.mark.parametrize("meanwhile", [_break, _take], ids=["broken", "taken"])
async def test_a_lease_that_ran_out_is_lost_where_somebody_broke_or_took_it(
    monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Slow], Awaitable[object]]
) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY_S", 0)
    store = Slow(clock := FakeClock(), meanwhile)
    async with hold_lock(store, clock, holder="ann", purpose="apply", report=never) as held:
        assert not await store.renewals.get()
        with pytest.raises(LockHeld):
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
    async with hold_lock(store, FakeClock(), holder="ann", purpose="apply", report=never) as held:
        await store.break_lock()
        await noticed.wait()
        with pytest.raises(LockHeld, match="was broken or taken over"):
            held.check()
