"""Sharing: who gets how much of a budget; a pure function.

1. Chargers at which somebody charges get the minimum each, in order, as long as it lasts; the others of them pause.
2. Idle ones get the minimum, so that a car that comes charges at once, and while the relay is away, too.
3. What is left goes to those which charge, up to what they can use, then up to what they are built for.
4. What is left even then goes to the idle ones.

The order is that of arrival. By `priority` the higher goes first in 1, and is filled in 3 before the lower gets more.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """What one charger can use: `wants_w` as far as its meter tells, `rated_w` at most."""

    charger: str
    rated_w: float
    wants_w: float
    active_since_s: float | None = None
    """Since when somebody charges there; None while it is idle."""
    priority: int = 0


def share(budget_w: float, claims: Iterable[Claim], min_w: float, *, by_priority: bool) -> dict[str, float]:
    """Return charger -> limit in W; the sum is at most `budget_w`, no limit is above what a charger is built for."""
    ordered = sorted(claims, key=lambda claim: _rank(claim, by_priority))
    limits = dict.fromkeys((claim.charger for claim in ordered), 0.0)
    active = [claim for claim in ordered if claim.active_since_s is not None]
    idle = [claim for claim in ordered if claim.active_since_s is None]
    left_w = max(0.0, budget_w)
    served = []
    for claim in (*active, *idle):
        base_w = min(min_w, claim.rated_w)
        if base_w <= left_w:
            limits[claim.charger] = base_w
            left_w -= base_w
            served.append(claim)
    charging = [claim for claim in served if claim.active_since_s is not None]
    tiers = [list(tier) for _, tier in groupby(charging, key=lambda claim: claim.priority if by_priority else 0)]
    for tier in tiers:
        left_w = _fill(left_w, [(claim.charger, claim.wants_w) for claim in tier], limits)
    for tier in tiers:
        left_w = _fill(left_w, [(claim.charger, claim.rated_w) for claim in tier], limits)
    _fill(left_w, [(claim.charger, claim.rated_w) for claim in served if claim.active_since_s is None], limits)
    return limits


def _rank(claim: Claim, by_priority: bool) -> tuple[float, float, str]:
    since_s = claim.active_since_s if claim.active_since_s is not None else float("inf")
    return -claim.priority if by_priority else 0, since_s, claim.charger


def _fill(left_w: float, wanted: Sequence[tuple[str, float]], limits: dict[str, float]) -> float:
    """Raise these chargers alike, each up to what it wants, and return what is left."""
    by_gap = sorted(wanted, key=lambda item: item[1] - limits[item[0]])
    for position, (charger, up_to_w) in enumerate(by_gap):
        gap_w = up_to_w - limits[charger]
        if gap_w <= 0:
            continue
        given_w = min(gap_w, left_w / (len(by_gap) - position))
        limits[charger] += given_w
        left_w -= given_w
    return max(0.0, left_w)
