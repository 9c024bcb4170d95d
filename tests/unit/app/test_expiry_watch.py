"""What expires is said in time, and stations of `local` renew."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from reconciler.app.expiry_watch import ASK_AGAIN_S, ExpiryWatch
from reconciler.local.csms import StationAnswer
from reconciler.model.live import LegPhase, LiveCharger, LiveLeg
from tests.support.clock import EPOCH, FakeClock
from tests.support.relay import Tally

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

    def __init__(self, *live: LiveCharger, renews: bool = True) -> None:
        self.clock, self.tally = FakeClock(), Gauges()
        self.called: list[tuple[str, str, Mapping[str, Any]]] = []
        doors = {"rsa.pem": EPOCH + timedelta(days=90)}
        self.watch = ExpiryWatch(
            lambda: live, lambda: doors, self.call, self.clock, self.tally, self.tally.log, renews=renews
        )

    def call(
        self, charger: str, action: str, payload: Mapping[str, Any], then: Callable[[StationAnswer], None]
    ) -> None:
        """Be the station."""
        self.called.append((charger, action, payload))
        then(StationAnswer({"status": "Accepted"}))


def station(days: float, version: str = "ocpp2.0.1", owners: Mapping[str, str] = LOCALS, **more: Any) -> LiveCharger:
    return LiveCharger("cp1", True, 0.0, version, owners=owners, certificate_expires_s=in_days(days), **more)


def test_the_first_to_expire_is_the_metric_and_what_is_near_is_said() -> None:
    leg = LiveLeg("partner", "passive", LegPhase.REGISTERED, 0.0, certificate_expires_s=in_days(3))
    world = World(station(200, legs=(leg,)), station(-1))
    world.watch.look()
    assert world.tally.gauges == {
        "certificate_days_left station": -1.0,
        "certificate_days_left leg": 3.0,
        "certificate_days_left door": 90.0,
    }
    said = [fields["name"] for event, fields in world.tally.lines if event == "certificate-expires"]
    assert said == ["cp1 to partner", "cp1"]


@pytest.mark.parametrize(
    ("version", "action", "what"),
    [
        ("ocpp1.6", "ExtendedTriggerMessage", "SignChargePointCertificate"),
        ("ocpp2.1", "TriggerMessage", "SignChargingStationCertificate"),
    ],
)
def test_a_station_is_asked_for_a_new_request_once_a_day(version: str, action: str, what: str) -> None:
    world = World(station(10, version))
    world.watch.look()
    world.watch.look()
    assert world.called == [("cp1", action, {"requestedMessage": what})]
    world.clock.advance(ASK_AGAIN_S)
    world.watch.look()
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
def test_nobody_else_is_asked(live: LiveCharger, renews: bool) -> None:
    world = World(live, renews=renews)
    world.watch.look()
    assert world.called == []
