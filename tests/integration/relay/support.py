"""What the relay's integration tests share: two CSMSs with a charger between them, and waiting for live state."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.desired import Backend, DesiredCharger, Role
from reconciler.model.live import Ack, LegPhase
from reconciler.testing import CsmsManners, SimulatedCsms, SimulatedStation
from tests.support.relay import PASSIVE, PRIMARY, Relay, backend, charger, relay


async def until(fact: Callable[[], Any], timeout_s: float = 5.0, what: str = "a fact about the relay") -> Any:
    """Return what `fact` gives as soon as that is true; raises TimeoutError. For state that rings no bell."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not (found := fact()):
        if loop.time() > deadline:
            raise TimeoutError(f"waited {timeout_s} s for {what}")
        await asyncio.sleep(0.005)
    return found


@dataclass
class Pair:
    """A relay with one charger between CSMS `a`, its first owner, and CSMS `b`, its first observer."""

    relay: Relay
    a: SimulatedCsms
    b: SimulatedCsms
    more: dict[str, Any] = field(default_factory=dict)
    """What else the charger's declaration says."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What else both back-ends' declarations say."""

    def backend(self, csms: SimulatedCsms) -> Backend:
        """Return the declaration of a CSMS."""
        return backend(csms.name, csms.url, **self.settings)

    def charger(self, a: Role = PRIMARY, b: Role = PASSIVE, name: str = "cp1") -> DesiredCharger:
        """Return a charger's declaration."""
        return charger(name, [(self.backend(self.a), a), (self.backend(self.b), b)], **self.more)

    async def flip(self, *, to: SimulatedCsms) -> None:
        """Make `to` the primary, and the other one passive; it must succeed."""
        roles = (PRIMARY, PASSIVE) if to is self.a else (PASSIVE, PRIMARY)
        outcome = await self.relay.run(self.charger(*roles))
        assert isinstance(outcome, Ack), outcome

    async def registered(self, *backends: str, name: str = "cp1") -> None:
        """Wait until a charger is registered at these back-ends (none named: at both)."""
        for csms in backends or (self.a.name, self.b.name):
            await until(
                lambda csms=csms: self.relay.phase(name, csms) is LegPhase.REGISTERED,
                what=f"{name} to be registered at {csms}: {self.relay.live(name).legs}",
            )

    def frames(self, csms: SimulatedCsms, name: str = "cp1") -> int:
        """Return how many frames the relay took from or gave to a CSMS on its current leg."""
        return next(leg.calls for leg in self.relay.live(name).legs if leg.backend == csms.name)

    def clean(self, *stations: SimulatedStation) -> None:
        """Fail where either CSMS or a station saw a broken rule, or a station lost its connection."""
        assert self.a.violations == []
        assert self.b.violations == []
        for station in stations:
            assert station.violations == []
            assert station.unexpected_disconnects == []


@asynccontextmanager
async def pair(
    *,
    versions: str | tuple[str, ...] = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6"),
    roles: tuple[Role, Role] = (PRIMARY, PASSIVE),
    settings: dict[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[Pair]:
    """Run a relay between two CSMSs with the charger `cp1`, whose identity is CP1 unless told otherwise."""
    async with (
        SimulatedCsms("a", versions, first_transaction_id=100, manners=CsmsManners(require_boot_first=True)) as a,
        SimulatedCsms("b", versions, first_transaction_id=900, manners=CsmsManners(require_boot_first=True)) as b,
        relay() as running,
    ):
        both = Pair(running, a, b, more, settings or {})
        await running.run(both.charger(*roles))
        yield both


@asynccontextmanager
async def station(
    between: Pair | Relay, version: str | tuple[str, ...] = "ocpp1.6", identity: str = "CP1", **options: Any
) -> AsyncIterator[SimulatedStation]:
    """Connect a station to the relay."""
    running = between.relay if isinstance(between, Pair) else between
    url = options.pop("url", running.url)
    async with SimulatedStation(identity, url, version, **options) as connected:
        yield connected


@asynccontextmanager
async def booted(
    between: Pair, version: str | tuple[str, ...] = "ocpp1.6", identity: str = "CP1", **options: Any
) -> AsyncIterator[SimulatedStation]:
    """Connect a station and let it boot; it is registered at both CSMSs."""
    async with station(between, version, identity, **options) as connected:
        await connected.boot()
        await connected.announce()
        await between.registered()
        yield connected
