"""The controller of a simulated world: what is declared, overrides and failovers make what each charger is to run.

The decisions are the product's own (`planning.effective`, `planning.failover`, `app.failover_watch`), over a store in
memory that outlives a kill of the relay, as the database would.
"""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec.structs import replace

from reconciler.app.failover_watch import FailoverWatch
from reconciler.model.desired import DesiredCharger
from reconciler.model.failovers import Failover
from reconciler.model.interventions import Interventions
from reconciler.model.live import LiveCharger, LiveLeg
from reconciler.model.overrides import Override
from reconciler.model.site import Site as DeclaredSite
from reconciler.planning.effective import effective, toggle_roles
from tests.simulation.history import What
from tests.simulation.scenery import BACKENDS, TICK_S
from tests.support.memory_store import MemoryStore
from tests.support.roles import PASSIVE, PRIMARY, backend

if TYPE_CHECKING:
    from tests.simulation.site import Site
    from tests.simulation.world import World

_Found = TypeVar("_Found")
_RETRY_S: Final = 15.0
"""After a refusal."""


class VirtualClock:
    """Implements `Clock` over virtual time."""

    def __init__(self, world: "World") -> None:
        self._clock = world.clock

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.fromtimestamp(self._clock.now, UTC)

    def monotonic_s(self) -> float:
        """Return the seconds since the beginning."""
        return self._clock.now


class SimulatedController:
    """Looks every few seconds, and whenever something is declared or done by hand."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._clock = VirtualClock(world)
        self._store: Any = MemoryStore()
        self._watch = FailoverWatch(self._store, self._clock)
        self._declared: dict[str, DesiredCharger] = {}
        self._before: dict[str, DesiredCharger] = {}
        """What was declared before that."""
        self._overrides: dict[str, Override] = {}
        self._failovers: tuple[Failover, ...] = ()
        self._backends = {
            name: backend(name, half_duplex=world.manners.csms[name].half_duplex, down_after_s=5.0, up_after_s=10.0)
            for name in BACKENDS
        }

    def killed(self) -> None:
        """The process dies with what it has seen; failovers and overrides are in the database."""
        self._watch = FailoverWatch(self._store, self._clock)

    def begin(self) -> None:
        """Take what is declared in the beginning, and look from now on."""
        for site in self._world.sites:
            self._declare(site, site.desired)
        self._tick()

    def _tick(self) -> None:
        self.look()
        self._world.clock.after(TICK_S, self._tick)

    def declare(self, site: "Site", desired: DesiredCharger) -> None:
        """Other specs are applied."""
        self._declare(site, desired)
        self.look(again=site)

    def undo(self, site: "Site") -> None:
        """What was declared last was a mistake."""
        self.declare(site, self._before[site.name])

    def _declare(self, site: "Site", desired: DesiredCharger) -> None:
        self._before[site.name] = self._declared.get(site.name, desired)
        declared = self._declared[site.name] = replace(desired, name=site.name)
        site.write(What.DECLARED, desired=declared)

    def toggle(self, site: "Site") -> None:
        """A technician makes somebody else primary for a while."""
        rng, name = self._world.rng, site.name
        roles = toggle_roles(self._declared[name], rng.choice(BACKENDS))
        until = self._clock.now() + timedelta(seconds=rng.choice([5, 30, 90]))
        self._overrides[name] = Override("o", name, roles, self._clock.now(), until, "", "technician")
        site.write(What.OVERRIDDEN, number=1)
        self.look()

    def look(self, again: "Site | None" = None) -> None:
        """Work out what every charger is to run, and ask for what is new, or was refused a while ago."""
        if not self._world.relay_up:
            return  # one process
        now = self._clock.now()
        self._end_overrides(now)
        sites = self._world.sites
        live = {site.name: _live(site, self._clock) for site in sites}
        roles = {"primary": PRIMARY, "passive": PASSIVE}
        declared = DeclaredSite({}, self._declared, roles, {}, {}, self._backends)
        running = {site.name: site.desired for site in sites}
        self._tell(_now(self._watch.watch(declared, self._failovers, running, live)))
        state = Interventions(overrides=tuple(self._overrides.values()), failovers=self._failovers)
        wanted = effective(declared, state, now)
        for site in sites:
            refused_at = site.refused_at
            retry = site.is_behind if refused_at is None else self._world.clock.now >= refused_at + _RETRY_S
            if wanted[site.name] != site.desired or retry or site is again:
                site.want(wanted[site.name])

    def _end_overrides(self, now: datetime) -> None:
        for site in self._world.sites:
            held = self._overrides.get(site.name)
            if held is not None and not held.holds_at(now):
                del self._overrides[site.name]
                site.write(What.OVERRIDDEN)

    def _tell(self, failovers: tuple[Failover, ...]) -> None:
        before, self._failovers = self._failovers, failovers
        for site in self._world.sites:
            for failover in before:
                if failover.charger == site.name and failover not in failovers:
                    site.write(What.FAILOVER_ENDED, failover.backend, text=self._store.events[-1].reason)
            for failover in failovers:
                if failover.charger == site.name and failover not in before:
                    site.write(What.FAILOVER, failover.backend, text=failover.back)


def _live(site: "Site", clock: VirtualClock) -> LiveCharger:
    if site.session is None:
        return LiveCharger(site.name, connected=False, since_s=0.0)
    legs = site.session.state.legs.values()
    return LiveCharger(
        site.name,
        connected=True,
        since_s=clock.monotonic_s(),
        legs=tuple(LiveLeg(leg.name, leg.spec.role.name, leg.phase, leg.since) for leg in legs),
    )


def _now(deciding: Coroutine[Any, Any, _Found]) -> _Found:
    """Return what a coroutine returns that waits for nothing real."""
    try:
        deciding.send(None)
    except StopIteration as done:
        found: _Found = done.value
        return found
    raise AssertionError("it waits for something outside this world")
