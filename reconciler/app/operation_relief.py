"""Relief: what waited or ran at a node that died is said to be over, by the node that acts; nothing is repeated."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final, Protocol

from reconciler.app.duty import Duty
from reconciler.app.tasks import Report

LOOK_EVERY_S: Final = 5.0


class Abandoned(Protocol):
    """Who knows which operations run, or which applies wait, and at which node."""

    async def interrupt_others(self, alive: Collection[str]) -> None:
        """End as interrupted what nodes left running that are not `alive`."""


async def relieve_for_ever(left: Abandoned, duty: Duty, alive: Callable[[], Collection[str]], report: Report) -> None:
    """Look every few seconds while the duty is held; `alive` are the nodes by name."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if not duty.held:
            continue
        try:
            await left.interrupt_others(alive())
        except Exception as error:  # noqa: BLE001 - the store may be away for a while, the loop may not
            report("what nodes left that are gone", error)
