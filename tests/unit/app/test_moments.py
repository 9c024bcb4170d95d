"""Moments on their way: into the store as they are noted, held while it is away, read in order, too old is no news."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from reconciler.app import moments as module
from reconciler.app.moments import KEPT_FOR, Moments
from reconciler.local.notifications import Moment
from reconciler.model.notifications import Suppressed
from reconciler.testing.waiting import Bell
from tests.support.clock import EPOCH


class Rows:
    """Implements `MomentStore`; rings when something is put, or would be."""

    def __init__(self) -> None:
        self.put: list[Moment] = []
        self.away = False
        self.bell = Bell()

    async def put_moments(self, moments: Sequence[Moment]) -> None:
        self.bell.ring()
        if self.away:
            raise OSError("the store is away")
        self.put += moments

    async def moments(self, at_most: int) -> tuple[tuple[int, Moment], ...]:
        return tuple(enumerate(self.put))[:at_most]

    async def count_suppressed(self, more: Sequence[Suppressed], decided: Sequence[int] = ()) -> None:
        raise AssertionError("nobody decides here")


def moment(key: str) -> Moment:
    """Return one that happened at EPOCH."""
    return Moment("flip", key, "cp1", EPOCH, ("local",), "cp1", "")


async def test_what_is_noted_is_written_at_once_and_again_once_the_store_is_back(monkeypatch: object) -> None:
    told: list[str] = []
    rows = Rows()
    noted = Moments(rows, lambda what, error: told.append(what))
    module_retry, module._RETRY_S = module._RETRY_S, 0.0  # type: ignore[misc]
    running = asyncio.get_running_loop().create_task(noted.run())
    try:
        rows.away = True
        noted.note(moment("a"))
        await rows.bell.until(lambda: bool(told), timeout_s=5)
        noted.note(moment("b"))
        rows.away = False
        await rows.bell.until(lambda: len(rows.put) == 2, timeout_s=5)
    finally:
        running.cancel()
        module._RETRY_S = module_retry  # type: ignore[misc]
    assert [one.key for one in rows.put] == ["a", "b"]
    assert set(told) == {"moments"}


async def test_who_reads_sees_what_this_node_has_just_noted_and_is_spared_what_is_too_old() -> None:
    rows = Rows()
    noted = Moments(rows, lambda what, error: None)
    noted.note(moment("a"))
    assert await noted.read(EPOCH + KEPT_FOR) == ([0], [moment("a")])
    assert await noted.read(EPOCH + KEPT_FOR + timedelta(seconds=1)) == ([0], [])
