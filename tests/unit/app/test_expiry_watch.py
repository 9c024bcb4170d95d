"""What expires is said in time, and stations of `local` renew."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from reconciler.app.expiry_watch import ASK_AGAIN_S, ExpiryWatch
from reconciler.app.leg_certificates import LegCertificates
from reconciler.app.sightings import AT_ONCE
from reconciler.local.csms import StationAnswer
from reconciler.model.desired import SecretRef, Security
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg
from tests.support.clock import EPOCH, FakeClock
from tests.support.relay import PRIMARY, KnownSecrets, Tally, backend, charger

LOCALS = {"security": "local", "remote-control": "local"}


def in_days(days: float) -> float:
    return (EPOCH + timedelta(days=days)).timestamp()


class Gauges(Tally):
    """Keeps gauges, too."""

    def __init__(self) -> None:
        super().__init__()
        self.gauges: dict[str, float] = {}

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Keep a gauge."""
        self.gauges[f"{name} {labels['whose']}"] = round(value, 1)


class World:
    """Chargers as told, and what the watch does about them."""

    def __init__(self, *live: LiveCharger, renews: bool = True, named: LegCertificates | None = None) -> None:
        self.clock, self.tally = FakeClock(), Gauges()
        self.called: list[tuple[str, str, Mapping[str, Any]]] = []
        doors = {"rsa.pem": EPOCH + timedelta(days=90)}
        given = self.call, self.clock, self.tally, self.tally.log
        self._live = {charger.name: charger for charger in live}
        self.looked_at: list[int] = []
        self.watch = ExpiryWatch(self, lambda: doors, *given, renews=renews, named=named)

    def names(self) -> Collection[str]:
        """Return the chargers."""
        return self._live.keys()

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """Return these chargers."""
        self.looked_at.append(len(self._live if only is None else only))
        return {name: charger for name, charger in self._live.items() if only is None or name in only}

    def call(
        self, charger: str, action: str, payload: Mapping[str, Any], then: Callable[[StationAnswer], None]
    ) -> None:
        """Be the station."""
        self.called.append((charger, action, payload))
        then(StationAnswer({"status": "Accepted"}))


def station(
    days: float, version: str = "ocpp2.0.1", owners: Mapping[str, str] = LOCALS, name: str = "cp1", **more: Any
) -> LiveCharger:
    return LiveCharger(name, True, 0.0, version, owners=owners, certificate_expires_s=in_days(days), **more)


async def test_the_first_to_expire_is_the_metric_and_what_is_near_is_said() -> None:
    leg = LiveLeg("partner", "passive", LegPhase.REGISTERED, 0.0, certificate_expires_s=in_days(3))
    world = World(station(200, legs=(leg,)), station(-1, name="cp2"))
    await world.watch.look()
    assert world.tally.gauges == {
        "certificate_days_left station": -1.0,
        "certificate_days_left leg": 3.0,
        "certificate_days_left door": 90.0,
    }
    said = [fields["name"] for event, fields in world.tally.lines if event == "certificate-expires"]
    assert said == ["cp1 to partner", "cp2"]


@pytest.mark.parametrize(
    ("version", "action", "what"),
    [
        ("ocpp1.6", "ExtendedTriggerMessage", "SignChargePointCertificate"),
        ("ocpp2.1", "TriggerMessage", "SignChargingStationCertificate"),
    ],
)
async def test_a_station_is_asked_for_a_new_request_once_a_day(version: str, action: str, what: str) -> None:
    world = World(station(10, version))
    await world.watch.look()
    await world.watch.look()
    assert world.called == [("cp1", action, {"requestedMessage": what})]
    world.clock.advance(ASK_AGAIN_S)
    await world.watch.look()
    assert len(world.called) == 2


@pytest.mark.parametrize(
    ("live", "renews"),
    [
        (station(31), True),
        (station(10), False),
        (station(10, owners={**LOCALS, "security": "partner"}), True),
        (station(10, owners={**LOCALS, "remote-control": "partner"}), True),
        (LiveCharger("cp1", False, 0.0, certificate_expires_s=in_days(1)), True),
        (LiveCharger("cp1", True, 0.0, "ocpp1.6", owners=LOCALS), True),
    ],
    ids=["in time", "nobody signs", "another's security", "another's triggers", "offline", "no certificate"],
)
async def test_nobody_else_is_asked(live: LiveCharger, renews: bool) -> None:
    world = World(live, renews=renews)
    await world.watch.look()
    assert world.called == []


async def test_a_large_fleet_is_looked_at_with_turns_of_the_event_loop_in_between() -> None:
    world, turns = World(*(station(200, name=f"cp{number}") for number in range(1000))), 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await world.watch.look()
    beside.cancel()
    assert world.tally.gauges["certificate_days_left station"] == 200.0
    assert max(world.looked_at) <= AT_ONCE
    assert turns >= 8  # four while they are read, as many while they are gone through


async def test_a_certificate_that_a_spec_names_is_said_once_and_told_of_with_its_chargers() -> None:
    days = {"client.pem": 5.0, "ca.pem": 12.0}

    class Dates:
        """Reads what a test says."""

        def expires_at(self, chain: bytes) -> datetime:
            """Return the date that the bytes name."""
            return EPOCH + timedelta(days=days[chain.decode()])

        last_expires_at = expires_at

    security = Security(3, trusted_ca=SecretRef("file", "ca.pem"), certificate=SecretRef("file", "client.pem"))
    partner = backend("partner", "wss://a", security=security)
    desired = [charger(name, [(partner, PRIMARY)]) for name in ("cp1", "cp2")]
    named = LegCertificates(lambda: desired, KnownSecrets({name: name.encode() for name in days}), Dates())
    await named.look()
    leg = LiveLeg("partner", "primary", LegPhase.REGISTERED, 0.0, certificate_expires_s=named.leg("cp1", "partner"))
    world = World(LiveCharger("cp1", True, 0.0, legs=(leg,)), named=named)
    told: list[tuple[str, str, list[str], int]] = []
    world.watch.soon = lambda each, left: told.append((each.whose, each.name, list(each.chargers), round(left)))
    await world.watch.look()
    assert told == [
        ("leg", "partner file:client.pem", ["cp1", "cp2"], 5),
        ("ca", "partner file:ca.pem", ["cp1", "cp2"], 12),
    ]
    assert world.tally.gauges["certificate_days_left leg"] == 5.0
    assert world.tally.gauges["certificate_days_left ca"] == 12.0
