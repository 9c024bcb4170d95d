"""Apply order: what was asked for, and how it goes into the journal and comes back out of it."""

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict

from reconciler.model.plan import Plan
from reconciler.model.plan_json import from_json, to_json
from reconciler.model.rollouts import PAUSED, WAITING, Hold, Rollout, Step
from reconciler.planning.guard import Limits, Share
from reconciler.planning.pacing import Pace


class ApplyRequest(msgspec.Struct, frozen=True):
    """Which plan to apply, for whom, and what the caller allows.

    `lock_timeout_s` is how long to wait for another writer, `id` names the apply ("": a new one).
    """

    plan: Plan
    actor: str
    reason: str = ""
    git_author: str = ""
    git_commit: str = ""
    limits: Limits = msgspec.field(default_factory=Limits)
    pace: Pace = msgspec.field(default_factory=Pace)
    lock_timeout_s: float = 0.0
    wait_for_window: bool = False
    """Where nothing but a change window says no: wait until it lets the change through."""
    id: str = ""


def begun(request: ApplyRequest, *, node: str, holder: str, at: datetime) -> Rollout:
    """Return the rollout that the request begins."""
    packed = zlib.compress(json.dumps(to_json(request.plan), separators=(",", ":")).encode(), level=1)
    order = {
        "actor": request.actor,
        "reason": request.reason,
        "git_author": request.git_author,
        "git_commit": request.git_commit,
        "limits": {**asdict(request.limits), "max_disruption": _text(request.limits.max_disruption)},
        "pace": {**asdict(request.pace), "canary": _text(request.pace.canary)},
    }
    return Rollout(request.id, node, holder, at, order, packed, request.plan.plan_id)


def ordered(rollout: Rollout, *, lock_timeout_s: float = 0.0) -> ApplyRequest:
    """Return the request that began the rollout; its plan is still in the journal."""
    assert rollout.plan is not None
    order: Mapping[str, Any] = rollout.order
    limits, pace = order["limits"], order["pace"]
    return ApplyRequest(
        plan=from_json(json.loads(zlib.decompress(rollout.plan))),
        actor=order["actor"],
        reason=order["reason"],
        git_author=order["git_author"],
        git_commit=order["git_commit"],
        limits=Limits(**{**limits, "max_disruption": _share(limits["max_disruption"])}),
        pace=Pace(**{**pace, "canary": _share(pace["canary"])}),
        lock_timeout_s=lock_timeout_s,
        id=rollout.id,
    )


def steps_of(fresh: Plan, holds: Sequence[Hold], first: Collection[str]) -> tuple[Step, ...]:
    """Return a step for every charger that the plan touches, by name; those of `first` are canaries.

    A charger that an earlier apply has not come to goes on running as of that one's base.
    """
    bases = {hold.charger: hold.base for hold in holds}
    steps = [
        Step(
            charger=name,
            base=bases.get(name, fresh.base_revision),
            state=PAUSED if effect.paused else WAITING,
            reason=effect.until if connected or effect.paused else "",
            disruption=effect.disruption.value,
            canary=name in first,
        )
        for effect in fresh.effects
        for connected, names in ((True, effect.chargers), (False, effect.deferred))
        for name in names
    ]
    return tuple(sorted(steps, key=lambda step: step.charger))


def _text(share: Share | None) -> str | None:
    return str(share) if share is not None else None


def _share(text: str | None) -> Share | None:
    return Share.parse(text) if text is not None else None
