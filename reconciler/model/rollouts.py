"""Rollouts: how an apply brings its change to chargers, turn by turn; what is durable of it, so that it survives."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec


class RolloutState(StrEnum):
    """How far an apply has come."""

    ACCEPTED = "accepted"
    """Its id was given out, and it waits to begin: for its change window, or the lock."""
    OPEN = "open"
    """Somebody carries it out, or has to take it over."""
    STOPPED = "stopped"
    """Committed, and stopped before every charger had its turn; those that had not stay as they were."""
    DONE = "done"
    REFUSED = "refused"
    """It ended before its commit: nothing was changed."""


WAITING: Final = "waiting"
"""It is not this charger's turn: it runs as before."""
ASKED: Final = "asked"
"""Its turn has begun; the relay is asked, or was when somebody died."""
PAUSED: Final = "paused"
"""It was paused when its turn came: it runs as before until it is resumed."""
SUPERSEDED: Final = "superseded"
"""A later apply took the charger over."""
FAILED: Final = "failed"
"""The verdict that is not final: whoever resumes the apply tries again."""
UNFINISHED: Final = (WAITING, ASKED, PAUSED, FAILED)
HELD: Final = (WAITING, PAUSED)


class Step(msgspec.Struct, frozen=True, gc=False):
    """One charger's part of a rollout, journalled before and after.

    `base` is the revision as of which the charger runs until its turn; `state` one of the states above, else the
    verdict on it. `canary`: it goes before the others.
    """

    charger: str
    base: int
    state: str = WAITING
    reason: str = ""
    disruption: str = "none"
    canary: bool = False

    def as_now(self, state: str, reason: str | None = None) -> "Step":
        """Return the step in another state, for another reason where one is given; thousands take it several times."""
        reason = self.reason if reason is None else reason
        return Step(self.charger, self.base, state, reason, self.disruption, self.canary)


class Rollout(msgspec.Struct, frozen=True):
    """One apply as it is kept: who carries it out, what was ordered, and how far it is.

    `node` is the server that carries it out and `holder` its name on the apply lock; `order` is JSON data of the
    apply's request, `plan` the plan as bytes until the rollout is done. `revision` is None before the commit,
    `ended_at` while it goes on, and where it ended before that was written down.
    """

    id: str
    node: str
    holder: str
    started_at: datetime
    order: Mapping[str, Any] = msgspec.field(default_factory=dict)
    plan: bytes | None = None
    plan_id: str = ""
    state: RolloutState = RolloutState.OPEN
    revision: int | None = None
    outcome: Mapping[str, Any] = msgspec.field(default_factory=dict)
    ended_at: datetime | None = None


class Hold(msgspec.Struct, frozen=True, gc=False):
    """A charger that runs as of revision `base` for the time being, because rollout `rollout` has not come to it.

    `paused`: not for want of its turn, but for as long as the charger is paused.
    """

    charger: str
    base: int
    rollout: str
    paused: bool = False


class Pause(msgspec.Struct, frozen=True):
    """A charger that the controller is to leave alone, until `until` (None: until somebody resumes it)."""

    charger: str
    since: datetime
    until: datetime | None
    reason: str
    actor: str

    def holds_at(self, now: datetime) -> bool:
        """Return True where the pause is in force at `now` (aware, UTC)."""
        return self.since <= now and (self.until is None or now < self.until)
