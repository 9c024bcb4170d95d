"""Waiting for a fact to become true: woken by events, never by polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


class Bell:
    """Rung on every change; whoever waits looks again."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake everyone who waits."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def until(
        self, look: Callable[[], Found | None], timeout_s: float, describe: Callable[[], str] = lambda: "a change"
    ) -> Found:
        """Return what `look` finds as soon as that is neither None nor False.

        Raises TimeoutError after `timeout_s` seconds, saying what `describe` says was waited for.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    found = look()
                    if found is not None and found is not False:
                        return found
                    future = asyncio.get_running_loop().create_future()
                    self._waiting.add(future)
                    try:
                        await future
                    finally:
                        self._waiting.discard(future)
        except TimeoutError:
            raise TimeoutError(f"waited {timeout_s} s for {describe()}") from None
