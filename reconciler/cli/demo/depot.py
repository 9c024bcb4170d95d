"""The depot: two simulated back-ends and six simulated chargers, and what they do by themselves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from operator import contains
from typing import Any, Final

import msgspec

from reconciler.testing import CsmsManners, SimulatedCsms, SimulatedStation
from reconciler.testing.csms_answers import BilledTransaction
from reconciler.testing.station_memory import Transaction

PARTNER: Final = "partner-pay"
GRID: Final = "grid-co"
TAG: Final = "TAG-7"
STEP_WH: Final = 50
PATIENCE_S: Final = 20.0
"""How long anything may take; on a busy machine some seconds are no failure."""

LEFT_S: Final = 1.0
"""A charger that was cut off dials again after so long."""

STATIONS: Final[Mapping[str, str]] = {
    "CP-001": "ocpp1.6",
    "CP-002": "ocpp2.0.1",
    "ICE480-01-1": "ocpp1.6",
    "ICE480-01-2": "ocpp1.6",
    "ICE480-01-3": "ocpp1.6",
    "ICE480-01-4": "ocpp1.6",
}
"""Identity -> version: two chargers, and the dispensers of one cabinet."""

FLIPPED: Final = ("CP-001", "CP-002")
DISPENSERS: Final = tuple(identity for identity in STATIONS if identity not in FLIPPED)


class Backends(msgspec.Struct, frozen=True):
    """The two back-ends, as everybody else sees them: nothing in them knows of a relay."""

    partner: SimulatedCsms
    grid: SimulatedCsms

    @property
    def both(self) -> tuple[SimulatedCsms, SimulatedCsms]:
        """Return the two."""
        return self.partner, self.grid


@asynccontextmanager
async def back_ends(ports: Mapping[str, int]) -> AsyncIterator[Backends]:
    """Run the two back-ends for the block: on these ports, or on any where one is taken."""
    async with AsyncExitStack() as stack:
        # Each numbers its 1.6 transactions in its own way, and writes its answers in its own way, as back-ends do.
        partner = SimulatedCsms(PARTNER, port=ports[PARTNER], first_transaction_id=1001)
        grid = SimulatedCsms(GRID, port=ports[GRID], first_transaction_id=7, manners=CsmsManners(handwriting=_roomy))
        for csms in (partner, grid):
            await _listen(csms)
            stack.push_async_callback(csms.stop)
        yield Backends(partner, grid)


async def _listen(csms: SimulatedCsms) -> None:
    try:
        await csms.start()
    except OSError:
        csms.port = 0
        await csms.start()


def _roomy(frame: bytes) -> bytes:
    """Put a space into an answer's payload: the same JSON, but other bytes than anybody else's answer."""
    return frame.replace(b",{", b",{ ", 1)


@asynccontextmanager
async def stations(url: str) -> AsyncIterator[Mapping[str, SimulatedStation]]:
    """Connect all six for the block; each boots and reports its connector, as after a power cut."""
    async with AsyncExitStack() as stack:
        fleet = {
            identity: SimulatedStation(identity, url, version, reconnect_after_s=LEFT_S)
            for identity, version in STATIONS.items()
        }
        for station in fleet.values():
            await stack.enter_async_context(station)
            await station.boot()
            await station.announce()
        yield fleet


class Session:
    """One charging session, as the charger and both back-ends account for it."""

    def __init__(self, station: SimulatedStation, transaction: Transaction, backends: Backends) -> None:
        self.station = station
        self.transaction = transaction
        self._backends = backends
        self.readings: list[float] = []

    async def meter(self) -> None:
        """Report a reading, and return when the station has its answer and both back-ends have the reading."""
        reading = self.transaction.meter_wh + STEP_WH
        await self.station.meter(self.transaction, reading)
        self.readings.append(reading)
        for csms in self._backends.both:
            await csms.until(partial(contains, self.billed(csms).meter_wh, reading), PATIENCE_S)

    async def meter_until(self, stop: asyncio.Event) -> None:
        """Report readings one after the other, as fast as they are answered."""
        while not stop.is_set():
            await self.meter()

    async def closed(self) -> None:
        """Return when both back-ends have closed the session."""
        for csms in self._backends.both:
            await csms.until(partial(_is_stopped, self.billed(csms)), PATIENCE_S)

    def billed(self, csms: SimulatedCsms) -> BilledTransaction:
        """Return the session in a back-end's books; raises LookupError where it isn't there."""
        mine = [billed for billed in csms.transactions.values() if billed.identity == self.station.identity]
        if not mine:
            raise LookupError(f"{csms.name} knows no transaction of {self.station.identity}")
        return mine[-1]


async def started_remotely(by: SimulatedCsms, station: SimulatedStation, backends: Backends) -> Session:
    """Have a back-end start a session on a 1.6 charger, and return it once both back-ends know it."""
    await by.call(station.identity, "RemoteStartTransaction", {"connectorId": 1, "idTag": TAG})
    for csms in backends.both:
        await csms.until(partial(_has_session, csms, station.identity), PATIENCE_S)
    await station.settle()
    return Session(station, station.memory.transactions[1], backends)


async def started_at_the_charger(station: SimulatedStation, backends: Backends) -> Session:
    """Have a driver start a session, and return it once both back-ends know it."""
    await station.authorize(TAG)
    transaction = await station.start_transaction(1, TAG)
    for csms in backends.both:
        await csms.until(partial(_has_session, csms, station.identity), PATIENCE_S)
    return Session(station, transaction, backends)


def _is_stopped(billed: BilledTransaction) -> bool:
    return billed.stopped


def _has_session(csms: SimulatedCsms, identity: str) -> bool:
    return any(billed.identity == identity and not billed.stopped for billed in csms.transactions.values())


def charging_profile(limit_w: int) -> dict[str, Any]:
    """Return a 1.6 SetChargingProfile that holds a connector to `limit_w`."""
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_w}],
            },
        },
    }
