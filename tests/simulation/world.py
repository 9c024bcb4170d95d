"""A seeded world: chargers' sessions in virtual time, with links that delay and break, and ends with manners."""

import itertools
import random
from collections.abc import Callable
from typing import Final

from tests.simulation.controller import SimulatedController
from tests.simulation.csms import SimulatedCsms
from tests.simulation.history import fingerprint
from tests.simulation.network import Clock, Wire
from tests.simulation.scenery import some_manners, some_roles
from tests.simulation.site import Site
from tests.simulation.store import SimulatedStore

BUSY_S: Final = 400.0
"""How long the ends are up to something; after it they only finish."""
CALM_S: Final = 100.0


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, store: Callable[[Clock, random.Random], SimulatedStore] = SimulatedStore) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.clock = Clock()
        self._ids = itertools.count(1)
        self.manners = some_manners(self.rng)
        self.csms = {name: SimulatedCsms(self, name, manners) for name, manners in self.manners.csms.items()}
        versions = self.rng.choices(["ocpp1.6", "ocpp1.6", "ocpp2.0.1", "ocpp2.1"], k=2)
        self.store = store(self.clock, self.rng)
        self.relay_up = True
        self.sites = [Site(self, f"CP{number}", version) for number, version in enumerate(versions, 1)]
        self.controller = SimulatedController(self)

    def new_id(self) -> str:
        """Return a message id that was never used (as long as a UUID)."""
        return f"relay-{next(self._ids):030d}"

    def wire(self) -> Wire:
        """Return one direction of a new connection."""
        return Wire(self.clock, self.rng, self.rng.choice([0.05, 0.05, 0.5, 3.0]))

    @property
    def busy(self) -> bool:
        """True while the ends are up to something."""
        return self.clock.now < BUSY_S

    def run(self) -> "World":
        """Let the whole world happen."""
        for site in self.sites:
            self.clock.after(self.rng.uniform(0, 3), site.station.connect)
            self._change_roles(site)
        self.controller.begin()
        for csms in self.csms.values():
            csms.begin()
        for _ in range(self.manners.kills):
            self.clock.after(self.rng.uniform(20, BUSY_S), self.kill)
        self.clock.run(BUSY_S + CALM_S)
        for site in self.sites:
            site.station_gone("the end of the world")
        self.kill()  # what was promised must be in the store
        return self

    def kill(self) -> None:
        """Kill the relay; it is started again after a while."""
        if not self.relay_up:
            return
        self.relay_up = False
        self.store.kill()
        self.controller.killed()
        for site in self.sites:
            site.killed()
        self.clock.after(self.rng.uniform(0.1, 15), self._restarted)

    def _restarted(self) -> None:
        self.relay_up = True
        self.controller.look()

    def may_be_killed(self) -> None:
        """Something is being stored: a good moment for a kill."""
        if self.busy and self.rng.random() < self.manners.ill_timed:
            self.clock.after(self.rng.uniform(0, 0.3), self.kill)

    def flipper(self, site: Site) -> Callable[[], None]:
        """Return what changes a charger's roles, to be called at the worst moment."""
        return lambda: self._act(site) if self.busy else None

    def _act(self, site: Site) -> None:
        """Somebody applies other specs, or toggles a charger by hand."""
        if self.rng.random() < 0.25:
            self.controller.toggle(site)
        else:
            self.controller.declare(site, some_roles(self.rng, self.manners))

    def _change_roles(self, site: Site) -> None:
        def change() -> None:
            if self.busy:
                self._act(site)
                self._change_roles(site)

        self.clock.after(self.rng.choice([0.5, 5, 30, 90]) * self.rng.uniform(0.5, 1.5), change)

    @property
    def hash(self) -> str:
        """Return the fingerprint of all that happened."""
        return fingerprint(site.history for site in self.sites)
