"""Comebacks: chargers that were connected when their turn came, or an apply was interrupted, and are away now.

A charger that was offline from the start is deferred. One that was there, and is not any more, is waited for: else a
new owner that ends sessions, or a server that died, would have a whole fleet deferred in a moment, with nothing
confirmed and nothing counted that is to stop a bad change.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from msgspec.structs import replace

from reconciler.app.controller import Controller
from reconciler.app.courses import ChargerResult, Verdict
from reconciler.app.ports import Clock
from reconciler.model.live import LegPhase
from reconciler.model.plan import Disruption
from reconciler.model.rollouts import Step

COME_BACK_S: Final = 120.0
"""How long stations may take to dial in anew after their server died: with their back-off, and spread over time."""
LOOK_AGAIN_S: Final = 0.2
_AT_WORK: Final = (LegPhase.REGISTERED, LegPhase.CONNECTED)
"""Phases of an owner's leg that need nobody's attention: on `connected` the station has not booted yet."""


async def until_back(
    controller: Controller,
    clock: Clock,
    chargers: Collection[str],
    since_s: float,
    told: Callable[[int, str], None],
    enough: Callable[[], bool],
) -> None:
    """Return once all of these are connected, or COME_BACK_S after `since_s`, or where `enough` says so.

    Where it has to wait, `told` hears before and after it how many are, and how long the others are waited for.
    """
    away = left = await controller.sightings.away(chargers)
    if away:
        told(len(chargers) - len(away), f"at most {COME_BACK_S:g} s")
    while left and clock.monotonic_s() < since_s + COME_BACK_S and not enough():
        await asyncio.sleep(LOOK_AGAIN_S)
        left = await controller.sightings.away(left)
    if away:
        told(len(chargers) - len(left), "")


class Comebacks:
    """Asks chargers one by one; `stopped` says whether the apply is to stop.

    `begun` are those that an earlier run had begun with, and that were connected then: it may not have heard what came
    of it. They have had their time to come back.
    """

    def __init__(
        self, controller: Controller, clock: Clock, begun: Collection[str], stopped: Callable[[], object]
    ) -> None:
        self._controller = controller
        self._clock = clock
        self._begun = begun
        self._stopped = stopped
        self._since_s = clock.monotonic_s()

    async def reach(self, step: Step) -> ChargerResult:
        """Return what became of a charger in its turn; FAILED where a flip left it away, or its owner not registered.

        Canaries that left are waited for together, once all are asked.
        """
        name, begun = step.charger, step.charger in self._begun
        result = await self._controller.reach_one(name)
        course = self._controller.courses.get(name)
        if step.disruption != Disruption.LIVE_FLIP or course is None or course.held_back:
            return result
        left = result.verdict is Verdict.DEFERRED and (begun or course.asked_connected) and not step.canary
        unheard = result.verdict is Verdict.APPLIED and begun
        if not (left or unheard):
            return result
        why = await self._trouble_after(name, self._since_s if begun else self._clock.monotonic_s())
        result = await self._controller.reach_one(name)
        if not why or result.verdict is Verdict.FAILED or self._stopped():
            return result
        return replace(result, verdict=Verdict.FAILED, reason=why)

    async def _trouble_after(self, name: str, since_s: float) -> str:
        """Return what is wrong with a charger once it has had the time of a flip, "" as soon as nothing is."""
        wanted = self._controller.desired.get(name)
        until_s = since_s + (wanted.flip.confirm_within_s if wanted is not None else 0.0)
        why = self._trouble(name)
        while why and self._clock.monotonic_s() < until_s and not self._stopped():
            await asyncio.sleep(LOOK_AGAIN_S)
            why = self._trouble(name)
        return why

    def _is_here(self, name: str) -> bool:
        live = self._controller.sightings.look_at((name,)).get(name)
        return live is not None and live.connected

    def _trouble(self, name: str) -> str:
        if not self._is_here(name):
            return "it left when it was flipped, and is not back; it runs the new roles from its next connection"
        live = self._controller.sightings.live[name]
        owners = set((live.owners or {}).values())
        bad = next((leg for leg in live.legs if leg.backend in owners and leg.phase not in _AT_WORK), None)
        if bad is None:
            return ""
        return f"it runs the new roles, but is not registered at {bad.backend}: {bad.detail or bad.phase}"
