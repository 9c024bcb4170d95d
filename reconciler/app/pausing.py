"""Use case pause: somebody has the controller leave chargers alone for a while, and hands them back.

While a charger is paused its drift is shown and not healed, and what is applied to it waits. Toggles, outages and
failovers still count: somebody or something asked for those.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.app.controller import Controller
from reconciler.app.courses import Cause, ChargerResult
from reconciler.app.ports import Clock, Store
from reconciler.errors import FwdctlError
from reconciler.model.history import HistoryEvent
from reconciler.model.rollouts import Pause


class ResumeResult(msgspec.Struct, frozen=True):
    """The pauses that were ended, and what became of each charger."""

    ended: tuple[Pause, ...]
    results: tuple[ChargerResult, ...]


class Pausing:
    """Makes and ends pauses."""

    def __init__(self, store: Store, clock: Clock, specs: AppliedSpecs, controller: Controller) -> None:
        self._store = store
        self._clock = clock
        self._specs = specs
        self._controller = controller

    async def pause(
        self, chargers: Sequence[str], *, reason: str, actor: str, for_s: float | None = None
    ) -> tuple[Pause, ...]:
        """Pause these chargers (names or globs), until resumed or for `for_s`; an older pause is replaced.

        Raises FwdctlError without a reason, UnknownAddress for a charger that is not declared.
        """
        if not reason.strip():
            raise FwdctlError("a pause needs a reason", hint="say why, for history: --reason TEXT")
        now = self._clock.now()
        names = chargers_meant((await self._specs.newest()).site, chargers)
        until = None if for_s is None else now + timedelta(seconds=for_s)
        pauses = tuple(Pause(name, now, until, reason.strip(), actor) for name in names)
        await self._store.put_pauses(pauses)
        await self._store.record([_made(pause) for pause in pauses])
        await self._controller.look(now)
        self._controller.wake()  # the loop must learn when the pause ends
        return pauses

    async def resume(self, chargers: Sequence[str], *, actor: str) -> ResumeResult:
        """End the pauses of these chargers (names or globs), and bring them to what waited for that.

        Raises UnknownAddress for a charger that is not declared, FwdctlError where none of them is paused by hand.
        """
        now = self._clock.now()
        names = chargers_meant((await self._specs.newest()).site, chargers)
        ended = await self._store.end_pauses(names, now)
        if not ended:
            raise FwdctlError(
                f"{', '.join(chargers)}: nobody paused that",
                hint="fwdctl status shows what is paused; `reconcile: paused` of a binding is ended by an apply",
            )
        await self._store.record([_ended(pause, actor, now) for pause in ended])
        resumed = [pause.charger for pause in ended]
        self._controller.expect(resumed, Cause(actor, "resumed"))
        await self._controller.look(now)
        return ResumeResult(ended, await self._controller.reach(resumed))

    async def pauses(self) -> tuple[Pause, ...]:
        """Return the pauses in force that were made by hand, by charger."""
        return (await self._store.interventions(self._clock.now())).pauses


def _made(pause: Pause) -> HistoryEvent:
    until = f"until {pause.until:%Y-%m-%d %H:%M} UTC" if pause.until else "until resumed"
    return HistoryEvent(pause.since, "pause", until, charger=pause.charger, actor=pause.actor, reason=pause.reason)


def _ended(pause: Pause, actor: str, at: datetime) -> HistoryEvent:
    return replace(_made(pause), at=at, kind="resume", summary=f"resumed by {actor}", actor=actor)
