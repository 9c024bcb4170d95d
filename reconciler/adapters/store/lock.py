"""The apply lock: a lease on a row, so that one writer applies at a time and a dead one does not stay in the way."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.section import Section
from reconciler.adapters.store.tables import locks, upsert
from reconciler.app.ports import Lock
from reconciler.errors import LockHeld

_APPLY: Final = "apply"


class ApplyLock(Section):
    """The lease of whoever applies."""

    async def acquire_lock(self, holder: str, purpose: str, at: datetime, lease_s: float) -> None:
        """Take the apply lock; an expired one is taken over.

        Raises LockHeld (naming holder and age), also for the holder itself: two applies under one name are two.
        """
        async with self._database.writing(Turn.APPLY_LOCK) as connection:
            held = await _held(connection)
            if held is not None and at < held.expires_at:
                raise _lock_held(held, at)
            taken = {"holder": holder, "purpose": purpose, "acquired_at": at, "expires_at": _end(at, lease_s)}
            await connection.execute(upsert(locks, connection.dialect), {"name": _APPLY, **taken})

    async def renew_lock(self, holder: str, at: datetime, lease_s: float) -> bool:
        """Extend the lease; False where the lock is no longer this holder's: released, broken or taken.

        One that ran out and that nobody wanted meanwhile is this holder's again: its row is there as it left it.
        """
        mine = update(locks).where(locks.c.name == _APPLY, locks.c.holder == holder)
        async with self._database.writing(Turn.APPLY_LOCK) as connection:
            return (await connection.execute(mine.values(expires_at=_end(at, lease_s)))).rowcount == 1

    async def release_lock(self, holder: str) -> None:
        """Give the lock back; harmless where it is not this holder's."""
        async with self._database.writing(Turn.APPLY_LOCK) as connection:
            await connection.execute(delete(locks).where(locks.c.name == _APPLY, locks.c.holder == holder))

    async def lock(self, at: datetime) -> Lock | None:
        """Return the lock as held at `at`, None where it is free or expired."""
        async with self._database.reading() as connection:
            held = await _held(connection)
            return held if held is not None and at < held.expires_at else None

    async def break_lock(self) -> Lock | None:
        """Free the lock whoever holds it, and return what was held."""
        async with self._database.writing(Turn.APPLY_LOCK) as connection:
            held = await _held(connection)
            await connection.execute(delete(locks).where(locks.c.name == _APPLY))
            return held


async def _held(connection: AsyncConnection) -> Lock | None:
    """Return the lock's row, expired or not."""
    columns = locks.c
    asked = select(columns.holder, columns.purpose, columns.acquired_at, columns.expires_at)
    row = (await connection.execute(asked.where(columns.name == _APPLY))).one_or_none()
    return None if row is None else Lock(*row)


def _end(at: datetime, lease_s: float) -> datetime:
    return at + timedelta(seconds=lease_s)


def _lock_held(held: Lock, at: datetime) -> LockHeld:
    age = timedelta(seconds=max(0, int((at - held.acquired_at).total_seconds())))
    since, until = (f"{instant:%Y-%m-%dT%H:%M:%SZ}" for instant in (held.acquired_at, held.expires_at))
    return LockHeld(
        f"{held.holder} holds the apply lock since {since} ({age} ago) for {held.purpose}; it runs out at {until}",
        hint=f"wait for it: --lock-timeout 10m; if {held.holder} is gone for good: fwdctl lock break",
    )
