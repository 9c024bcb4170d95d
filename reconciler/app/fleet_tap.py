"""The message tap over all nodes: whoever watches a charger sees what passes at the node that it is connected to.

watch ──> a word every few seconds to the charger's node ──> its own MessageTap ──> batches ──> the watch here

Where nobody watches nothing is sent; where the words stop the other node stops by itself.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import msgspec

from reconciler.app.errands import Body, Errands, NotBegun
from reconciler.app.fleet_stations import FleetStations
from reconciler.app.message_tap import Message, MessageTap, Wanted, Watch
from reconciler.app.ports import Clock
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError

WATCH: Final = "watch-messages"
MESSAGES: Final = "messages"
ASK_EVERY_S: Final = 2.0
LENT_FOR_S: Final = 7.0
BATCH_S: Final = 0.3
"""What passes within it is one errand."""


class FleetTap:
    """Watches as `MessageTap` does, wherever a charger is connected."""

    def __init__(
        self, tap: MessageTap, stations: FleetStations, errands: Errands, clock: Clock, background: Background
    ) -> None:
        self._tap = tap
        self._stations = stations
        self._errands = errands
        self._clock = clock
        self._background = background
        self._watching: dict[str, Watch] = {}
        self._lent_until_s: dict[str, float] = {}
        errands.on(WATCH, self._lend)
        errands.on(MESSAGES, self._take)

    @contextmanager
    def watch(self, charger: str, wanted: Wanted) -> Iterator[Watch]:
        """Watch a charger for the block, over reconnections; raises FwdctlError where too many watch."""
        with self._tap.watch(charger, wanted) as watch:
            watch_id = uuid4().hex
            self._watching[watch_id] = watch
            asking = self._background.start(self._ask(watch_id, charger, wanted), name=f"messages of {charger}")
            try:
                yield watch
            finally:
                asking.cancel()
                del self._watching[watch_id]

    async def _ask(self, watch_id: str, charger: str, wanted: Wanted) -> None:
        """Ask the charger's node for its messages, again and again: it may connect to another."""
        asked = {"id": watch_id, "charger": charger, "wanted": msgspec.to_builtins(wanted), "from": self._errands.start}
        while True:
            start = self._stations.elsewhere(charger)
            if start:
                try:
                    await self._errands.tell(start, WATCH, asked)
                except (NotBegun, FwdctlError):
                    pass  # it is on its way elsewhere, or the store is away
            await asyncio.sleep(ASK_EVERY_S)

    async def _take(self, body: Body) -> None:
        watch = self._watching.get(body["id"])
        if watch is not None:
            watch.dropped += body["dropped"]
            for message in msgspec.convert(body["messages"], list[Message]):
                watch.offer(message)

    # -- for another node ----------------------------------------------------------------------------------------

    async def _lend(self, body: Body) -> None:
        """Send what passes to whoever asks, for as long as that one goes on asking."""
        watch_id, is_new = body["id"], body["id"] not in self._lent_until_s
        self._lent_until_s[watch_id] = self._clock.monotonic_s() + LENT_FOR_S
        if not is_new:
            return
        try:
            with self._tap.watch(body["charger"], msgspec.convert(body["wanted"], Wanted)) as watch:
                while self._clock.monotonic_s() < self._lent_until_s[watch_id]:
                    found, dropped = await watch.take(ASK_EVERY_S)
                    if found or dropped:
                        told = {"id": watch_id, "messages": msgspec.to_builtins(found), "dropped": dropped}
                        await self._errands.tell(body["from"], MESSAGES, told)
                        await asyncio.sleep(BATCH_S)
        except (NotBegun, FwdctlError):
            pass  # whoever watched is gone, too many watch here, or the store is away
        finally:
            del self._lent_until_s[watch_id]
