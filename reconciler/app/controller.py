"""The controller: a level-triggered loop that makes the relay run what is applied, and keeps it so.

    look: specs + interventions, at this instant ──> effective desired state ──> which chargers are due
    glance: the same for a few chargers whose sessions changed, at the cost of those
    reach: ask the relay, one question at a time per charger, a bounded number at once ──> courses, history

It remembers nothing that it could not find out again: after a restart every charger is simply asked once more. Of the
nodes that share a store one acts, under a lease (`duty`); the others look too, so that they can tell and take over.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.courses import Cause, ChargerResult, Course, patience_with
from reconciler.app.duty import Duty, keep_for_ever
from reconciler.app.failover_watch import FailoverWatch
from reconciler.app.flip_history import FlipHistory, cause_of
from reconciler.app.in_hand import InHand
from reconciler.app.ports import Clock, Question, RelayPort, Store
from reconciler.app.sightings import Sightings
from reconciler.app.tasks import Report, breathing, spread
from reconciler.app.turns import as_released, as_their_turns_are
from reconciler.model.desired import DesiredCharger
from reconciler.model.interventions import Interventions
from reconciler.model.live import Ack, LiveCharger, Outcome, Refusal
from reconciler.model.overrides import Override
from reconciler.model.site import Site
from reconciler.planning.change_windows import ChangeWindows
from reconciler.planning.drift import Standing, State
from reconciler.planning.effective import Effective, Layer, Memo, decide, next_boundary
from reconciler.planning.explain import layer_text
from reconciler.planning.holding import held_back
from reconciler.planning.pacing import PARALLELISM
from reconciler.planning.planner import Applied

TICK_S: Final = 5.0
GATHER_S: Final = 0.1
"""How long a wake waits for others: a thousand stations that reconnect at once are not a thousand looks."""


class Controller:
    """Steers every charger's session towards effective desired state."""

    def __init__(
        self, store: Store, relay: RelayPort, clock: Clock, specs: AppliedSpecs, duty: Duty, report: Report
    ) -> None:
        self._store = store
        self._relay = relay
        self._clock = clock
        self._specs = specs
        self._duty = duty
        self._report = report
        self._failovers = FailoverWatch(store, clock)
        self._state = Interventions()
        self._effective = Effective()
        self._memo: Memo = {}
        self._boundary: datetime | None = None
        self._windows = ChangeWindows()
        self._site: Site | None = None
        self.sightings = Sightings(relay)
        self._courses: dict[str, Course] = {}
        self.courses: Mapping[str, Course] = self._courses  # to be read
        self._refused: set[str] = set()
        """Chargers whose last answer was a refusal: they are asked again."""
        self._history = FlipHistory(store, clock, duty)
        self._slots = asyncio.Semaphore(PARALLELISM)
        self._woken = asyncio.Event()
        self._woken_for: set[str] = set()
        self._look_at_all = True
        self._looked_s = -math.inf
        """When everything was last looked at, on the monotonic clock."""
        self._looking = asyncio.Lock()
        self._paused: Mapping[str, str] = {}
        self.in_hand = InHand(self.wake)
        self._has_acted = False
        """True where this node held the duty at the last look too."""

    @property
    def desired(self) -> Mapping[str, DesiredCharger]:
        """Return effective desired state by charger, as of the last look."""
        return self._effective.chargers

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Return the layer that decides on each charger which does not run as declared, as of the last look."""
        return self._effective.layers

    @property
    def interventions(self) -> Interventions:
        """Return what was done on top of the specs, as of the last look."""
        return self._state

    @property
    def paused(self) -> Mapping[str, str]:
        """Return the chargers that are left alone, and who wants it, as of the last look."""
        return self._paused

    def wake(self, *chargers: str) -> None:
        """Make the loop look now: at these chargers (one connected, say), or at all (a plan was applied, say).

        Those that an apply has in hand are looked at once it lets go of them.
        """
        loose = [name for name in chargers if name not in self.in_hand]
        if chargers and not loose:
            return
        self._woken_for.update(loose)
        self._look_at_all = self._look_at_all or not chargers
        self._woken.set()

    async def run(self) -> None:
        """Look and act for ever: every `TICK_S`, when woken, at every boundary, when a refusal is to be retried."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_for_ever(self._duty, self.wake, self._report))
            while True:
                await self._sleep()  # a start has looked already
                try:
                    due = await self._look_or_glance()
                except Exception as error:  # noqa: BLE001 - the store may be away for a while, the loop may not
                    self._report("controller", error)
                    due = ()
                for name in due if self._duty.held else ():
                    tasks.create_task(self._reach_quietly(name))

    async def _look_or_glance(self) -> tuple[str, ...]:
        """Look at what this was woken for, or at everything where it was not woken."""
        self._woken.clear()
        woken_for, self._woken_for = self._woken_for, set()
        overdue = self._nap_s() <= 0.0  # a look at everything, whatever this was woken for
        if self._look_at_all or not woken_for or overdue:
            return await self.look(self._clock.now())
        return await self.glance(woken_for)

    async def tick(self, now: datetime) -> tuple[ChargerResult, ...]:
        """Look once, ask what is due and wait for the answers."""
        due = await self.look(now)
        return await self.reach(due if self._duty.held else ())

    async def look(self, now: datetime) -> tuple[str, ...]:
        """Work out effective desired state at `now`, and return the chargers for which the relay is to be asked."""
        async with self._looking:  # else a look that began earlier could end later, with what was applied before
            self._look_at_all = False
            self._looked_s = self._clock.monotonic_s()  # one that fails is not repeated before the next tick
            spared = () if self._failovers.watches else self.in_hand.spared(self._looked_s)
            await self.sightings.look_at_all(but=spared)
            await self._think(now, watch=True)
            self._adopt(self._relay.questions())
            self._looked_s = self._clock.monotonic_s()
            return await self._due([*self.desired, *self._courses, *self._strays(self.sightings.live)])

    async def rethink(self, now: datetime) -> None:
        """Work out effective desired state at `now`; chargers are looked at only where somebody watches owners."""
        if self._failovers.watches:
            await self.look(now)
            return
        async with self._looking:
            await self._think(now, watch=False)

    async def release(self, chargers: Collection[str], now: datetime) -> None:
        """Want of these chargers what is declared, as their turn has come by the journal; the rest stays as it is."""
        if self._failovers.watches or self._site is None:
            await self.rethink(now)
            return
        async with self._looking:
            self._decide(*await as_released(self._site, self._state, self._paused, chargers, self._specs), now)

    async def glance(self, chargers: Collection[str]) -> tuple[str, ...]:
        """Look at how these chargers run now, and return those for which the relay is to be asked.

        What is wanted is taken as it was found at the last look.
        """
        async with self._looking:
            seen = await self.sightings.look_over(chargers)
            if self._duty.held and self._site is not None:
                self._failovers.glance(self._site, self._effective.chargers, seen)
            self._adopt(self._relay.questions(chargers))
            return await self._due([*(name for name in chargers if name in self.desired), *self._strays(seen)])

    async def _think(self, now: datetime, *, watch: bool) -> None:
        """Work out effective desired state; with `watch`, decide on failovers first, by how chargers were seen."""
        declared = (applied := await self._specs.newest()).site
        if declared is not self._site:
            await self._turn_to(applied)
        state = await self._store.interventions(now)
        site, self._paused, state = await as_their_turns_are(declared, state, self._specs, self._store)
        if self._duty.held and watch:
            live = self.sightings.live
            failed = await self._failovers.watch(site, state.failovers, self._effective.chargers, live)
            state = replace(state, failovers=failed)
        if state == self._state:
            state = self._state  # the same objects compare in no time
        seen = self._state.overrides
        self._decide(site, state, now)
        await self._close_overrides(now, seen)

    def _decide(self, site: Site, state: Interventions, now: datetime) -> None:
        before, self._effective = self._effective, decide(site, state, now, self._memo)
        self._state, self._boundary = state, next_boundary(site.outages, state, now)
        self._expect_layers(before.layers, self._effective.layers)

    async def _turn_to(self, applied: Applied) -> None:
        """Take newly applied specs; the history of what they change says who applied them, at whichever node."""
        before, after = self._site, applied.site
        meta = await self._store.revision_meta(applied.revision) if before is not None else None
        if before is not None and meta is not None:
            cause = Cause(meta.actor, meta.reason, applied.revision, meta.override_window)
            async for name in breathing(before.chargers.keys() | after.chargers.keys()):
                was, is_now = before.chargers.get(name), after.chargers.get(name)
                if was is not is_now and was != is_now:
                    self._course(name).cause = cause
        self._site, self._windows = after, ChangeWindows(after.resources.values())

    def expect(self, chargers: Iterable[str], cause: Cause, ran: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Remember why these chargers are about to change, for the history of it, and in `ran` who owned what."""
        for name in chargers:
            self._course(name).expect(cause, ran.get(name) if ran else None)

    async def reach(
        self,
        chargers: Iterable[str],
        *,
        parallelism: int = PARALLELISM,
        on_result: Callable[[ChargerResult], None] = lambda result: None,
    ) -> tuple[ChargerResult, ...]:
        """Bring these chargers to effective desired state, at most `parallelism` at once; return what became of each.

        What is already there, or was already answered, is not asked again.
        """

        async def one(name: str) -> ChargerResult:
            result = await self.reach_one(name)
            on_result(result)
            return result

        results = await spread(one, chargers, at_once=parallelism)
        await self.flush()
        return tuple(results)

    def standings(self, chargers: Iterable[str] | None = None) -> tuple[Standing, ...]:
        """Return how these chargers stand right now; without any, every declared or known one, by name."""
        names = sorted(self.desired.keys() | self._courses.keys()) if chargers is None else tuple(chargers)
        live = self._relay.live(None if chargers is None else names)
        return tuple(self.standing(name, live.get(name)) for name in names)

    def standing(self, charger: str, live: LiveCharger | None) -> Standing:
        """Return how a charger stands that runs as `live`; OFFLINE where it is neither declared nor known."""
        if charger not in self._courses and charger not in self.desired:
            return Standing(charger, State.OFFLINE)
        return self._course(charger).standing(self.desired.get(charger), live)

    @property
    def known(self) -> set[str]:
        """Return the names of the chargers that are to run or ran, as of the last look."""
        return self.desired.keys() | self._courses.keys() | self.sightings.live.keys()

    def drifted(self) -> Mapping[State, int]:
        """Return how many chargers drifted or are refused, as last looked at; only the node that acts tells."""
        found = (course.attention for course in self._courses.values() if course.attention is not None)
        return Counter(found) if self._duty.held else {}

    def _adopt(self, asked: Mapping[str, Question]) -> None:
        """Learn what other nodes' controllers asked; one of an older generation than this one's own is none of them."""
        now_s = self._clock.monotonic_s()
        for name, question in asked.items():
            course = self._course(name)
            ahead = course.asked is not None and course.asked.generation > question.generation
            if not (ahead and self._duty.held):
                course.adopt(question, self.desired.get(name), now_s)

    def _strays(self, live: Mapping[str, LiveCharger]) -> Iterator[str]:
        return (name for name, session in live.items() if session.generation and name not in self.desired)

    async def _due(self, names: Iterable[str]) -> tuple[str, ...]:
        now_s, courses, wanted = self._clock.monotonic_s(), self._courses, self._effective.chargers
        live, due = self.sightings.live, list[str]()
        async for name in breathing(dict.fromkeys(names)):
            course = courses.get(name) or self._course(name)
            if not course.is_settled(wanted.get(name), live.get(name)):
                idle = name not in self.in_hand and not course.busy
                if idle and self._is_due(course, now_s) and not course.held_back:
                    due.append(name)
        await self.flush()
        return tuple(due)

    def _is_due(self, course: Course, now_s: float) -> bool:
        owners, cause = course.owners, course.cause
        wanted, live = self._effective.chargers.get(course.charger), self.sightings.live.get(course.charger)
        due = course.is_due(wanted, live, now_s)
        if course.charger in self._paused and course.asked is not None and course.asked.desired == wanted:
            due = False  # what it was told stands; nothing is healed
        waits = due and self._windows and not self._cause(course.charger, cause).at_any_time
        course.held_back = held_back(self._windows, course.asked, wanted, live, self._clock.now()) if waits else ""
        if course.owners is not owners:  # a flip that waited for the next connection
            self._history.note_flip(course.charger, owners, course.owners, self._cause(course.charger, cause))
        return due

    async def _reach_quietly(self, name: str) -> None:
        try:
            async with self._slots:
                await self.reach_one(name)
            await self.flush()
        except Exception as error:  # noqa: BLE001 - one charger's trouble must not end the loop for all others
            self._report(name, error)

    async def reach_one(self, name: str) -> ChargerResult:
        """Bring one charger to effective desired state and return what became of it; `flush` writes its history."""
        course = self._course(name)
        async with course.turn:
            if name in self.in_hand:
                self.sightings.look_at((name,))
            wanted, live = self.desired.get(name), self.sightings.live.get(name)
            if self._is_due(course, self._clock.monotonic_s()) and not course.held_back:
                await self._ask(course, wanted, live)
            if isinstance(course.outcome, Refusal):
                self._refused.add(name)
            elif wanted is None and not course.held_back:
                self._courses.pop(name, None)
            return course.result()

    async def _ask(self, course: Course, wanted: DesiredCharger | None, live: LiveCharger | None) -> None:
        before = course.standing(wanted, live)
        owners = course.owners or (live.owners if live else None)
        refused_before = course.outcome.reason if isinstance(course.outcome, Refusal) else ""
        cause = self._cause(course.charger, course.cause)
        generation = course.next_generation(live)
        course.ask(generation, wanted, live)
        outcome = await self._outcome(course.charger, generation, wanted)
        course.settle(outcome, self._clock.monotonic_s(), patience_with(wanted, live, self.layers.get(course.charger)))
        self._history.note_answer(outcome, before, live, refused_before, cause)
        if isinstance(outcome, Ack) and before.state is not State.DRIFTED:
            self._history.note_flip(course.charger, owners, wanted.owners if wanted else None, cause)

    async def _outcome(self, charger: str, generation: int, wanted: DesiredCharger | None) -> Outcome:
        try:
            return await self._relay.set_desired(charger, generation, wanted)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this charger's, and is tried again
            self._report(charger, error)
            return Refusal(generation, f"the relay failed ({type(error).__name__})")

    def _cause(self, charger: str, said: Cause | None) -> Cause:
        """Return why something else is wanted of a charger: as was said, or as the layer has it that decides."""
        layer = self.layers.get(charger)
        return said or (cause_of(layer) if layer is not None else Cause())

    async def flush(self) -> None:
        """Write what happened into history."""
        await self._history.flush()

    def _expect_layers(self, before: Mapping[str, Layer], now: Mapping[str, Layer]) -> None:
        """Remember for the history of a flip which layer came or went."""
        for name in before.keys() | now.keys():
            old, new = before.get(name), now.get(name)
            if new is not None and (old is None or old.sources != new.sources):
                self._course(name).cause = cause_of(new)
            elif new is None and old is not None and self._course(name).cause is None:
                self._course(name).cause = Cause(reason=f"{layer_text(old)} is over")

    async def _close_overrides(self, now: datetime, seen: Iterable[Override]) -> None:
        """Write down which overrides ran out, `seen` at the last look or before this node acted.

        The store says which: one read just before somebody ended it looks as if it ran out.
        """
        takes_over, self._has_acted = self._duty.held and not self._has_acted, self._duty.held
        if self._has_acted and (takes_over or any(not override.holds_at(now) for override in seen)):
            for override in await self._store.close_overrides(now):
                ended = Cause(reason=f"the toggle by {override.actor} ran out ({override.reason})")
                self.expect([override.charger], ended)
                self._history.note("toggle-ended", override.charger, "its time was up", ended)
        await self.flush()

    def _course(self, name: str) -> Course:
        course = self._courses.get(name)
        if course is None:
            course = self._courses[name] = Course(name)
        return course

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(self._nap_s()):
                await self._woken.wait()
            await asyncio.sleep(GATHER_S)
        except TimeoutError:
            return

    def _nap_s(self) -> float:
        """Return how long nothing is going to happen by itself, at most `TICK_S`."""
        now, now_s = self._clock.now(), self._clock.monotonic_s()
        edge = [] if self._boundary is None else [(self._boundary - now).total_seconds()]
        health = [self._failovers.next_s - now_s] if self._failovers.next_s is not None else []
        known = {name: self._courses[name] for name in self._refused if name in self._courses}
        self._refused = {name for name, course in known.items() if isinstance(course.outcome, Refusal)}
        retries = [self._courses[name].retry_at_s - now_s for name in self._refused]
        look = self._looked_s + TICK_S - now_s
        return max(0.0, min([look, *edge, *health, *(retry for retry in retries if retry > 0)]))
