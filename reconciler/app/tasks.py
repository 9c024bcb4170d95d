"""Background tasks: kept until they are done, and heard of where they fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Report = Callable[[str, BaseException], None]
"""Told what failed ("controller", "cp001") and with what; must not raise."""

BREATHE_S: Final = 0.001
"""How long work that waits for nothing may go on before the event loop gets its turn."""

BREATHE_AFTER: Final = 200
"""Items of `breathing` between two turns: frames must not wait for a look at thousands."""


class Background:
    """Runs coroutines beside the caller; the event loop itself would forget them."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run `work` and return its task; what it raises is reported under `name`."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def stop(self) -> None:
        """Cancel whatever still runs and wait for its end."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(task.get_name(), error)


class _Turn:
    """How long several tasks have kept the event loop from all others: once that is too long, each is to let it go."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_over = False
        self._begin()

    def is_over(self) -> bool:
        """Return True from when it has been too long, for all of them, until the loop had its turn."""
        if not self._is_over and self._loop.time() >= self._until_s:
            self._is_over = True
            self._loop.call_soon(self._begin)
        return self._is_over

    def _begin(self) -> None:
        self._is_over = False
        self._until_s = self._loop.time() + BREATHE_S


async def spread(work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, at_once: int) -> list[Result]:
    """Return what `work` gives for each of `items`, in their order, with at most `at_once` of them under way.

    Of thousands that end without waiting for anything the event loop gets its turn in between: after BREATHE_S, and at
    most `at_once` of them more.
    """
    waiting, turn = list(items), _Turn()
    results: dict[int, Result] = {}
    left = iter(enumerate(waiting))

    async def go_on() -> None:
        for position, item in left:
            results[position] = await work(item)
            if turn.is_over():
                await asyncio.sleep(0)

    await asyncio.gather(*(go_on() for _ in range(min(at_once, len(waiting)))))
    return [results[position] for position in range(len(waiting))]


async def breathing(items: Iterable[Item]) -> AsyncIterator[Item]:
    """Yield `items` as they are now; of many the event loop gets its turn in between."""
    for position, item in enumerate(tuple(items)):
        if position % BREATHE_AFTER == BREATHE_AFTER - 1:
            await asyncio.sleep(0)
        yield item
