"""Rollout: brings the chargers of a committed apply there, turn by turn, journalled before and after.

    waiting ──its chunk is journalled──> asked ──the relay answered──> applied | deferred | failed | skipped
       └──stopped: it stays waiting, and the charger runs as before until somebody goes on or goes back

Canaries first; only once every one of them is confirmed do the others get their turn.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.app.comebacks import Comebacks
from reconciler.app.controller import Controller
from reconciler.app.courses import HELD_BACK, ChargerResult, Verdict
from reconciler.app.lease import Lease
from reconciler.app.ports import Clock, Store
from reconciler.model.plan import Disruption
from reconciler.model.rollouts import ASKED, FAILED, PAUSED, SUPERSEDED, WAITING, Rollout, Step
from reconciler.planning.drift import State
from reconciler.planning.pacing import Pace, Tempo

TO_COME: Final = (WAITING, ASKED, FAILED)
"""States of a step whose turn is yet to come, or comes again."""
CHUNK: Final = 500
"""Turns that are journalled in one transaction, at least."""
CHUNKS: Final = 4
"""Transactions at most, unless turns are spaced: what is wanted of all chargers is worked out anew after each."""
LOOK_AGAIN_S: Final = 0.2
"""While canaries connect anew."""


@dataclass(slots=True)
class StopRequest:
    """Somebody's wish that an apply stops after what is under way; `by` is "" while nobody has it."""

    by: str = ""


class Told(msgspec.Struct, frozen=True):
    """What whoever follows a rollout hears: every result, and that the canaries are confirmed."""

    result: Callable[[ChargerResult], None] = lambda result: None
    canaries_confirmed: Callable[[int], None] = lambda count: None


class Ending(msgspec.Struct, frozen=True):
    """What became of each charger, by name; `stopped` says why not all had their turn, "" where they had."""

    results: tuple[ChargerResult, ...]
    stopped: str = ""


@dataclass(slots=True)
class _Turns:
    """Chargers in line: `released` are journalled as asked."""

    waiting: deque[str]
    released: deque[str] = field(default_factory=deque)


class RolloutRun:
    """One rollout being carried out by `rollout.holder`, to whom the controller leaves its chargers.

    `expected` were connected when an earlier run of it ended.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        controller: Controller,
        rollout: Rollout,
        pace: Pace,
        *,
        lease: Lease,
        stop: StopRequest,
        chance: Callable[[], float],
        told: Told,
        expected: Collection[str] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._controller = controller
        self._rollout = rollout
        self._pace = pace
        self._lease = lease
        self._stop = stop
        self._chance = chance
        self._told = told
        self._expected = expected
        self._comebacks = Comebacks(controller, clock, (), self._why_stop)
        self._tempo = Tempo(pace)
        self._steps: dict[str, Step] = {}
        self._results: dict[str, ChargerResult] = {}
        self._failed = 0
        """Of the results, counted as they come."""
        self._unwritten: list[Step] = []
        self._chunk = CHUNK
        self._begun_last = ""
        """Whose turn began last."""
        self._one_releases = asyncio.Lock()

    async def run(self, steps: Sequence[Step]) -> Ending:
        """Give every step that is not finished its turn, and return what became of all; raises LockHeld."""
        self._steps = {step.charger: step for step in steps if step.state != SUPERSEDED}
        self._chunk = CHUNK if self._pace.flips_per_s else max(CHUNK, math.ceil(len(self._steps) / CHUNKS))
        for step in self._steps.values():
            if step.state not in TO_COME:
                self._note(result_of(step))
        going = [step for step in self._steps.values() if step.charger not in self._results]
        begun = {step.charger for step in going if step.state == ASKED}.intersection(self._expected)
        self._comebacks = Comebacks(self._controller, self._clock, begun, self._why_stop)
        await self._controller.rethink(self._clock.now())
        stopped = await self._in_order(going)
        skipped = (
            ChargerResult(step.charger, Verdict.SKIPPED, f"{HELD_BACK}: {stopped}")
            for step in going
            if step.charger not in self._results
        )
        results = (*self._results.values(), *skipped)
        return Ending(tuple(sorted(results, key=lambda result: result.charger)), stopped)

    async def _in_order(self, going: Iterable[Step]) -> str:
        """Take the canaries, then the others; return why it stopped, "" where all had their turn."""
        chosen = [step.charger for step in self._steps.values() if step.canary]
        canaries = [step.charger for step in going if step.canary]
        others = [step.charger for step in going if not step.canary]
        await self._take(canaries)
        stopped = self._why_stop()
        if chosen and not stopped:
            stopped = await self._unconfirmed(chosen)
            if not stopped:
                self._told.canaries_confirmed(len(chosen))
        if not stopped:
            await self._take(others)
            stopped = self._why_stop() if len(self._results) < len(self._steps) else ""
        return stopped

    async def _take(self, names: Sequence[str]) -> None:
        turns = _Turns(deque(names))
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self._pace.parallelism, len(names))):
                    tasks.create_task(self._work(turns))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None  # of one kind all: the journal is another's, or not there
        untaken = [self._steps[name].as_now(WAITING) for name in turns.released]
        await self._journal(untaken)
        if untaken:  # what is wanted of them is what they ran before, as long as the apply is not resumed
            await self._controller.rethink(self._clock.now())

    async def _work(self, turns: _Turns) -> None:
        while (name := await self._next(turns)) is not None:
            wait_s = self._tempo.wait_s(self._steps[name].disruption, self._clock.monotonic_s(), self._chance())
            if wait_s:
                await asyncio.sleep(wait_s)
            self._begun_last = name
            self._heard(self._judged(await self._comebacks.reach(self._steps[name])))
            if self._begun_last == name:  # it waited for nothing, and neither may all the others
                await asyncio.sleep(0)

    async def _next(self, turns: _Turns) -> str | None:
        while not self._why_stop():
            if turns.released:
                return turns.released.popleft()
            async with self._one_releases:
                if turns.released:
                    continue
                if not turns.waiting:
                    return None
                await self._release(turns)
        return None

    async def _release(self, turns: _Turns) -> None:
        """Journal that the next turns begin, what came of the last ones with them; from then on they are desired."""
        chunk = [turns.waiting.popleft() for _ in range(min(self._chunk, len(turns.waiting)))]
        paused = {name: why for name, why in self._controller.paused.items() if name in self._controller.desired}
        left = [self._paused(name, paused[name]) for name in chunk if name in paused]
        asked = [self._steps[name].as_now(ASKED) for name in chunk if name not in paused]
        await self._journal([*left, *asked])
        for step in left:
            self._steps[step.charger] = step
            self._heard(result_of(step))
        names = [step.charger for step in asked]
        await self._controller.release(names, self._clock.now())
        turns.released.extend(names)

    def _paused(self, name: str, why: str) -> Step:
        return self._steps[name].as_now(PAUSED, f"it is resumed (paused {why})")

    async def _journal(self, steps: Sequence[Step]) -> None:
        """Write these steps, and what came of others since the last time; first of all the history of those."""
        await self._controller.flush()
        unwritten, self._unwritten = self._unwritten, []
        await self._store.journal_steps(self._rollout.id, self._rollout.holder, [*unwritten, *steps])

    def _note(self, result: ChargerResult) -> None:
        self._results[result.charger] = result
        self._failed += result.verdict is Verdict.FAILED

    def _heard(self, result: ChargerResult) -> None:
        self._note(result)
        if self._steps[result.charger].state != PAUSED:
            self._unwritten.append(self._steps[result.charger].as_now(result.verdict.value, result.reason))
        self._told.result(result)

    def _judged(self, result: ChargerResult) -> ChargerResult:
        """Return a refusal that the plan announced as `deferred`, or `skipped` where the flip policy says so."""
        step = self._steps[result.charger]
        if result.verdict is not Verdict.FAILED or step.disruption != Disruption.REFUSED:
            return result
        desired = self._controller.desired.get(result.charger)
        skips = desired is not None and desired.flip.open_transaction == "skip"
        verdict = Verdict.SKIPPED if skips else Verdict.DEFERRED
        return replace(result, verdict=verdict, reason=f"refused until {step.reason}")

    def _why_stop(self) -> str:
        if self._lease.lost:
            return "the apply lock was broken or taken over"
        if self._stop.by:
            return f"{self._stop.by} asked to stop"
        if self._pace.max_failures is not None and self._failed > self._pace.max_failures:
            return f"{self._failed} failed, {self._pace.max_failures} may (--max-failures)"
        return ""

    async def _unconfirmed(self, canaries: Sequence[str]) -> str:
        """Return which canaries are not confirmed, "" where all are; those that connect anew are waited for."""
        waits_s = [wanted.flip.confirm_within_s for name in canaries if (wanted := self._controller.desired.get(name))]
        deadline_s = self._clock.monotonic_s() + max(waits_s, default=0.0)
        while (away := self._not_back(canaries)) and self._clock.monotonic_s() < deadline_s and not self._why_stop():
            await asyncio.sleep(LOOK_AGAIN_S)
            await self._controller.look(self._clock.now())
        bad = [name for name in canaries if name in away or self._results[name].verdict is Verdict.FAILED]
        if not bad:
            return ""
        first = self._results[bad[0]]
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        return f"the canary is not confirmed: {first.charger}{more}: {first.reason or first.verdict}"

    def _not_back(self, canaries: Iterable[str]) -> set[str]:
        """Return those that were sent off to connect anew, or left, and are not back with what they are to run."""
        deferred = [
            name
            for name in canaries
            if self._results[name].verdict is Verdict.DEFERRED and self._steps[name].state != PAUSED
        ]
        standings = self._controller.standings(deferred)
        return {standing.charger for standing in standings if standing.state is not State.IN_SYNC}


def result_of(step: Step) -> ChargerResult:
    """Return what a step that is over says of its charger."""
    if step.state == PAUSED:
        return ChargerResult(step.charger, Verdict.DEFERRED, f"refused until {step.reason}")
    return ChargerResult(step.charger, Verdict(step.state), step.reason)
