"""The relay of several nodes as one RelayPort: what is asked becomes a row, what runs is read from rows.

The node whose controller acts writes asks; on the others a question waits until the acting one has asked the same, so
that use cases behave alike at every node. No answer is ever sent: it is seen in what the charger's node reports.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.app.duty import LeasedDuty
from reconciler.app.ports import Clock
from reconciler.app.relay_mirror import RelayMirror
from reconciler.app.relay_rows import LOOK, Ask, Hints, RelayRows
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import Ack, Deferred, LiveCharger, Outcome, Refusal

ASKED_WITHIN_S: Final = 20.0
"""How long a standby waits for the acting node to ask the same: longer than a hand-over and a tick."""
_GRACE_S: Final = 15.0
"""What a charger's node may take beyond the time that a flip may take; by then its lease has run out if it is gone."""
_WITHDRAWN_S: Final = 60.0


@dataclass(slots=True)
class _Unwritten:
    ask: Ask
    written: "asyncio.Future[bool]"


class SharedRelay:
    """Implements `RelayPort` over rows."""

    def __init__(self, rows: RelayRows, mirror: RelayMirror, duty: LeasedDuty, clock: Clock, hints: Hints) -> None:
        self._rows = rows
        self._mirror = mirror
        self._duty = duty
        self._clock = clock
        self._hints = hints
        self._unwritten: list[_Unwritten] = []
        self._writing: asyncio.Task[None] | None = None

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """Return how every charger runs that was ever connected to any node, or those in `only`."""
        live = self._mirror.live
        return live if only is None else {name: live[name] for name in only if name in live}

    def names(self) -> Collection[str]:
        """Return every charger that was ever connected to any node."""
        return self._mirror.live.keys()

    def questions(self, only: Collection[str] | None = None) -> Mapping[str, Ask]:
        """Return what was last asked of each charger, by whichever node acted then."""
        asks = self._mirror.asks
        return asks if only is None else {name: asks[name] for name in only if name in asks}

    async def set_desired(self, charger: str, generation: int, desired: DesiredCharger | None) -> Outcome:
        """Ask that `charger` run `desired` as `generation`, or wait for the acting node to ask; see `RelayPort`."""
        if self._duty.held:
            ask = Ask(charger, generation, desired)
            if not await self._write(ask):
                return Refusal(generation, "another node has begun to steer the chargers")
            self._mirror.note(ask)
        else:
            found = await self._asked_by_another(charger, desired)
            if found is None:
                return Refusal(generation, "no node steers the chargers right now; the first that does will do this")
            ask = found
        return await self._answer(ask)

    async def _write(self, ask: Ask) -> bool:
        """Write an ask together with whatever else is asked meanwhile."""
        unwritten = _Unwritten(ask, asyncio.get_running_loop().create_future())
        self._unwritten.append(unwritten)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())
        return await unwritten.written

    async def _write_all(self) -> None:
        try:
            while self._unwritten:
                batch, self._unwritten = self._unwritten, []
                await self._write_batch(batch)
        finally:
            self._writing = None

    async def _write_batch(self, batch: list[_Unwritten]) -> None:
        duty = self._duty
        try:
            written = await self._rows.ask([one.ask for one in batch], duty.holder, duty.incarnation, self._clock.now())
        except Exception as error:  # noqa: BLE001 - it is everybody's who waits for this batch
            for one in batch:
                if not one.written.done():
                    one.written.set_exception(error)
            return
        self._hints.tell("asked")
        for one in batch:
            if not one.written.done():
                one.written.set_result(written)

    async def _asked_by_another(self, charger: str, desired: DesiredCharger | None) -> Ask | None:
        def found() -> Ask | None:
            ask = self._mirror.asks.get(charger)
            return ask if ask is not None and ask.desired == desired else None

        self._hints.tell(LOOK)
        return await self._mirror.seen(found, ASKED_WITHIN_S)

    async def _answer(self, ask: Ask) -> Outcome:
        """Return what became of an ask, as its charger's node reports it."""
        if ask.desired is None:
            return Ack(ask.generation)  # whoever has its station lets it go
        within_s = ask.desired.flip.confirm_within_s + _GRACE_S
        outcome: Outcome | None = await self._mirror.seen(lambda: self._outcome(ask), within_s)
        return outcome or Refusal(ask.generation, "the node that it is connected to has not answered in time")

    def _outcome(self, ask: Ask) -> Outcome | None:
        live = self._mirror.live.get(ask.charger)
        if live is None or not live.connected:
            return Deferred(ask.generation)
        if live.generation >= ask.generation:
            return Ack(ask.generation)
        if live.refused is not None and live.refused.generation == ask.generation:
            return live.refused
        if self._mirror.asks[ask.charger].generation > ask.generation:
            return Refusal(ask.generation, "something else was asked meanwhile")
        return None
