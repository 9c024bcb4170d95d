"""Operations whose node is gone are told as interrupted by the node that acts, and by no other."""

import asyncio
from collections.abc import Collection

import pytest

from reconciler.app import operation_relief
from reconciler.app.operation_relief import relieve_for_ever


class Told:
    """Who knows the operations; the store is away at the first look."""

    def __init__(self) -> None:
        self.looks: list[Collection[str]] = []
        self.twice = asyncio.Event()

    async def interrupt_others(self, alive: Collection[str]) -> None:
        """Keep who was alive."""
        self.looks.append(alive)
        if len(self.looks) == 1:
            raise OSError("away")
        self.twice.set()


class Held:
    """A duty that is held, or not."""

    def __init__(self, *, held: bool) -> None:
        self.held = held

    async def keep(self) -> bool:
        """Keep it."""
        return self.held


async def test_whoever_acts_looks_again_and_again_also_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation_relief, "LOOK_EVERY_S", 0.0)
    told, failed, idle = Told(), list[str](), Told()

    def report(what: str, error: BaseException) -> None:
        failed.append(what)

    loops = [
        asyncio.ensure_future(relieve_for_ever(told, Held(held=True), lambda: {"a"}, report)),
        asyncio.ensure_future(relieve_for_ever(idle, Held(held=False), lambda: {"a"}, report)),
    ]
    async with asyncio.timeout(5):
        await told.twice.wait()
    for loop in loops:
        loop.cancel()
    assert told.looks[0] == {"a"}
    assert failed == ["what nodes left that are gone"]
    assert idle.looks == []
