"""Failover: whether a back-end is up on a charger, with hysteresis, and what its stand-in is to do."""

from collections.abc import Sequence
from typing import Final

import msgspec

from reconciler.model.desired import LOCAL, DesiredCharger, Role
from reconciler.model.failovers import Failover
from reconciler.model.live import LegPhase, LiveCharger

_PASSIVE: Final = "passive"
_WELL: Final = frozenset({LegPhase.CONNECTED, LegPhase.PENDING, LegPhase.REGISTERED})
"""CONNECTED waits for the station's BootNotification, PENDING is the back-end's own wish: neither is its failure."""
_NOT_KNOWN_YET: Final = LegPhase.REGISTERING
"""A back-end may be slow to answer a boot; until its time for that is up it is taken for what it was."""


class Patience(msgspec.Struct, frozen=True):
    """How long a back-end must be away to count as down, and be there to count as up again."""

    down_after_s: float
    up_after_s: float


class Health(msgspec.Struct, frozen=True):
    """A back-end on one charger: `well` since `since_s` (or not), and `up` once that has lasted."""

    well: bool
    since_s: float
    up: bool

    def seen(self, well: bool, now_s: float, patience: Patience) -> "Health":
        """Return its health once it was seen to be `well`, or not, at `now_s`."""
        since_s = self.since_s if well is self.well else now_s
        lasted_s = now_s - since_s
        turned = lasted_s >= (patience.up_after_s if well else patience.down_after_s)
        return Health(well, since_s, well if turned else self.up)

    def turns_at_s(self, patience: Patience) -> float | None:
        """Return when it counts as up or as down if nothing changes, None where it does already."""
        if self.well is self.up:
            return None
        return self.since_s + (patience.up_after_s if self.well else patience.down_after_s)


def patience_with(charger: DesiredCharger, backend: str) -> Patience | None:
    """Return how long to wait for `backend` on `charger`: the longer of its own `downAfter` and the rule's `after`.

    None where nobody stands in for it.
    """
    leg, rule = charger.leg(backend), charger.failover
    if leg is None or rule is None or backend in (rule.to, LOCAL):
        return None
    return Patience(max(leg.backend.down_after_s, rule.after_s), leg.backend.up_after_s)


def is_well(live: LiveCharger, backend: str) -> bool | None:
    """Return True where the leg of a connected charger to `backend` is of use, None where that is about to be known."""
    phase = next((leg.phase for leg in live.legs if leg.backend == backend), None)
    return None if phase is _NOT_KNOWN_YET else phase in _WELL


def still_declared(charger: DesiredCharger, failover: Failover) -> bool:
    """Return True where `charger`, as declared, still has this failover's owner and stand-in."""
    rule = charger.failover
    return rule is not None and rule.to == failover.to and failover.backend in charger.owners.values()


def stand_in_roles(charger: DesiredCharger, away: Sequence[str]) -> dict[str, str | Role]:
    """Return the roles by which the charger's stand-in also does what the back-ends `away` are to do."""
    rule = charger.failover
    assert rule is not None
    leg = charger.leg(rule.to)
    role = leg.role if leg is not None else None
    for backend in away:
        lost = charger.leg(backend)
        if lost is not None:
            role = _both(role, lost.role)
    return {**dict.fromkeys(away, _PASSIVE), **({rule.to: role} if role is not None else {})}


def _both(own: Role | None, taken: Role) -> Role:
    if own is None or not (own.owns or own.vendor_messages):
        return taken
    return Role(
        name=f"{own.name}+{taken.name}",
        owns=own.owns | taken.owns,
        observes=own.observes | taken.observes,
        may_read=own.may_read or taken.may_read,
        vendor_messages=tuple(dict.fromkeys((*own.vendor_messages, *taken.vendor_messages))),
    )
