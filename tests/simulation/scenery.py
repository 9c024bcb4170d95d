"""What a seed draws before anything happens: manners of the ends, and roles for them."""

import random
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger, FailoverRule, FlipPolicy, Handover
from reconciler.relay.limits import SessionLimits
from tests.support.roles import PASSIVE, PRIMARY, READER, charger, hybrid

BACKENDS: Final = ("home", "partner", "pay")
TICK_S: Final = 5.0
"""How often the controller looks."""
CALL_TIMEOUT_S: Final = 30.0
PATIENCE_S: Final = 25.0
LIMITS: Final = SessionLimits(station_calls_max=4, commands_waiting_max=4, upward_waiting_max=6, copy_age_max_s=40.0)


@dataclass(frozen=True, slots=True)
class StationManners:
    """How a station behaves; chances are per occasion."""

    pause_s: float
    hasty: float
    odd_ids: float
    repeats: float
    silent: float
    slow_s: float
    garbage: float
    leaves: float


@dataclass(frozen=True, slots=True)
class CsmsManners:
    """How a CSMS behaves; chances are per occasion."""

    boot: tuple[str, ...]
    interval_s: int
    slow_s: float
    silent: float
    errors: float
    garbage: float
    closes: float
    late: float
    commands_every_s: float
    counts_ids: bool
    half_duplex: bool
    refuses_duplicates: bool
    outage: float
    outage_s: float


@dataclass(frozen=True, slots=True)
class Manners:
    """Everybody's manners in one world."""

    station: StationManners
    csms: dict[str, CsmsManners]
    kills: int
    """How often the relay is killed at any time."""
    ill_timed: float
    """The chance of a kill just when something is being stored."""


def some_manners(rng: random.Random) -> Manners:
    """Draw manners: mostly good, each with a bad side or two."""

    def seldom(chance: float) -> float:
        return rng.choice([0.0, 0.0, 0.0, chance])

    station = StationManners(
        pause_s=rng.choice([0.5, 3.0, 10.0]),
        hasty=rng.choice([0.0, 0.0, 0.3, 0.6]),
        odd_ids=seldom(0.5),
        repeats=seldom(0.1),
        silent=seldom(0.3),
        slow_s=rng.choice([0.2, 0.2, 4.0, 12.0]),
        garbage=seldom(0.1),
        leaves=seldom(0.03),
    )
    csms = {
        name: CsmsManners(
            boot=rng.choice(
                [("Accepted",), ("Accepted",), ("Pending", "Accepted"), ("Rejected", "Accepted"), ("Rejected",)]
            ),
            interval_s=rng.choice([0, 20, 60, 300]),
            slow_s=rng.choice([0.1, 0.1, 1.0, 20.0]),
            silent=seldom(0.2),
            errors=seldom(0.2),
            garbage=seldom(0.1),
            closes=seldom(0.05),
            late=seldom(0.2),
            commands_every_s=rng.choice([1.0, 6.0, 20.0]),
            counts_ids=rng.random() < 0.7,
            half_duplex=rng.random() < 0.15,
            refuses_duplicates=rng.random() < 0.3,
            outage=rng.choice([0.0, 0.3, 0.3]),
            outage_s=rng.choice([10, 60, 120]),
        )
        for name in BACKENDS
    }
    return Manners(station, csms, rng.choice([0, 1, 2, 4]), rng.choice([0.0, 0.0, 0.01]))


def some_roles(rng: random.Random, manners: Manners) -> DesiredCharger:
    """Draw who is what on a charger."""
    roles = rng.choice(
        [
            {"home": PRIMARY},
            {"home": PRIMARY, "partner": PASSIVE},
            {"partner": PRIMARY, "home": PASSIVE},
            {"partner": PRIMARY, "home": READER},
            {"home": PRIMARY, "partner": READER, "pay": hybrid("authorization", "smart-charging", may_read=True)},
            {"pay": PRIMARY, "home": hybrid("transactions", "metering"), "partner": PASSIVE},
            {"home": PRIMARY, "pay": hybrid("availability", observes=["transactions", "metering"])},
        ]
    )
    handover = rng.choice(
        [Handover(), Handover(charging_profiles="clear", reservations="clear", availability="restore")]
    )
    policy = FlipPolicy(rng.choice(["proceed", "proceed", "proceed", "wait"]), rng.choice([3.0, 20.0, 60.0]), handover)
    down_after_s = rng.choice([5.0, 45.0])
    up_after_s = rng.choice([10.0, 40.0])
    options = {
        name: {"half_duplex": csms.half_duplex, "down_after_s": down_after_s, "up_after_s": up_after_s}
        for name, csms in manners.csms.items()
    }
    drawn, when_down = charger(roles, policy, options), rng.choice(["close", "buffer", "failover"])
    if when_down != "failover":
        return replace(drawn, when_owner_is_down=when_down)
    others = [name for name in BACKENDS if name != drawn.owners["provisioning"]]
    rule = FailoverRule(rng.choice(others), rng.choice([5.0, 20.0]), rng.choice(["auto", "auto", "manual"]))
    return replace(drawn, when_owner_is_down=when_down, failover=rule)
