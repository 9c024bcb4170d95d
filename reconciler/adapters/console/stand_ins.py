"""Stand-ins: which back-end does another's work while that is away, on which chargers, and what ends it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from reconciler.app.status import ChargerStatus
from reconciler.model.failovers import Failover
from reconciler.planning.failover import is_well


class StandIn(msgspec.Struct, frozen=True):
    """`to` stands in for `backend` on `chargers`, on the first since `since`; `there` tells on how many it is back.

    With `back` auto it gets a charger back once it was there for `up_after_s`, with manual when somebody says so.
    """

    backend: str
    to: str
    back: Literal["auto", "manual"]
    chargers: tuple[str, ...]
    since: datetime
    there: int
    up_after_s: float


def stand_ins(failovers: Iterable[Failover], fleet: Mapping[str, ChargerStatus]) -> tuple[StandIn, ...]:
    """Return the failovers in force, those of the same two back-ends together: a partner is rarely away on one."""
    found: dict[tuple[str, str, Literal["auto", "manual"]], list[Failover]] = {}
    for failover in failovers:
        found.setdefault((failover.backend, failover.to, failover.back), []).append(failover)
    return tuple(
        StandIn(
            backend,
            to,
            back,
            tuple(sorted(failover.charger for failover in some)),
            min(failover.since for failover in some),
            sum(_is_there(fleet.get(failover.charger), backend) for failover in some),
            max(_up_after_s(fleet.get(failover.charger), backend) for failover in some),
        )
        for (backend, to, back), some in sorted(found.items())
    )


def _is_there(status: ChargerStatus | None, backend: str) -> bool:
    return status is not None and status.live is not None and is_well(status.live, backend) is True


def _up_after_s(status: ChargerStatus | None, backend: str) -> float:
    leg = status.desired.leg(backend) if status is not None and status.desired is not None else None
    return leg.backend.up_after_s if leg is not None else 0.0
