"""Plan: everything an apply would change, as a value; made purely, printed, stored in a file, applied later."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from reconciler.model.diagnostics import Diagnostic, Position
from reconciler.model.local_rules import Coverage

FORMAT_VERSION: Final = "1.3"
"""Minor: fields were added, older readers ignore them. Major: the meaning changed, older readers refuse."""


class Action(StrEnum):
    """What happens to a resource; one that stays as it is isn't in a plan."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Disruption(StrEnum):
    """What a change means to a live session, mildest first."""

    NONE = "none"
    """Neither the station nor an owner notices: observers come and go, settings change."""
    LIVE_FLIP = "live flip"
    """Owners change on the running session (R10)."""
    RECONNECT = "reconnect"
    """The station, or the owner of a feature, is connected anew."""
    DISCONNECT = "disconnect"
    """The charger is no longer declared: its connection is closed, and it is not let in again."""
    REFUSED = "refused"
    """The relay will say no until something else happens; `Effect.until` says what."""


class FieldChange(msgspec.Struct, frozen=True):
    """One leaf of a resource's document; items of a list go by their name: `spec.backends[grid-co].role`."""

    path: str
    before: Any = None
    after: Any = None


class ResourceChange(msgspec.Struct, frozen=True):
    """One resource to create, update or delete.

    `before` and `after` are canonical documents, None where there is none; `seen_version` is the version of
    the applied resource that the plan was made against, 0 where there was none.
    """

    address: str
    action: Action
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    fields: tuple[FieldChange, ...] = ()
    seen_version: int = 0
    position: Position | None = None


class Move(msgspec.Struct, frozen=True):
    """Features that go from one owner to another; "" is nobody: a charger that comes or goes."""

    features: tuple[str, ...]
    before: str
    after: str


class Effect(msgspec.Struct, frozen=True):
    """What chargers with the same fate go through; a charger is in exactly one effect of a plan."""

    disruption: Disruption
    until: str = ""
    moves: tuple[Move, ...] = ()
    notes: tuple[str, ...] = ()
    chargers: tuple[str, ...] = ()
    """Connected now."""
    in_transaction: tuple[str, ...] = ()
    """Those of `chargers` with an open transaction."""
    deferred: tuple[str, ...] = ()
    """Offline now: it happens at their next connection; to those that are no longer declared, nothing does."""
    paused: bool = False
    """They are paused: it happens once they are resumed."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every charger of the group, connected or not."""
        return (*self.chargers, *self.deferred)


class Pending(msgspec.Struct, frozen=True):
    """A charger that does not run what is already applied, and why; not part of what the plan changes."""

    charger: str
    reason: str


class Absent(msgspec.Struct, frozen=True):
    """Offline chargers that take up what is already applied at their next connection: how many, and the first of them.

    A charger that left after it had taken it up is none of them. After a restart of the server all count that are
    not back yet: only then is it known.
    """

    count: int = 0
    first: tuple[str, ...] = ()


class Block(msgspec.Struct, frozen=True):
    """Why an apply would be refused now: `guard` names it, `override` is the flag that allows it."""

    guard: str
    summary: str
    override: str
    eligible_at: datetime | None = None
    """When the guard will allow it by itself, where that is known."""


class Summary(msgspec.Struct, frozen=True):
    """The counts of a plan; those of chargers count live sessions, `deferred` the offline ones."""

    add: int = 0
    change: int = 0
    destroy: int = 0
    flip: int = 0
    reconnect: int = 0
    refused: int = 0
    unnoticed: int = 0
    deferred: int = 0
    disconnect: int = 0


class Plan(msgspec.Struct, frozen=True):
    """What would change, against what it was made, and what it does to live chargers.

    `basis` maps the address of every resource that the changes and the touched chargers rest on to the version
    it had (0: it was not there): an apply is refused where one of them has changed since. `live` is the number of
    connected chargers when the plan was made.
    """

    plan_id: str
    created_at: datetime
    base_revision: int
    resource_changes: tuple[ResourceChange, ...] = ()
    effects: tuple[Effect, ...] = ()
    basis: Mapping[str, int] = msgspec.field(default_factory=dict)
    live: int = 0
    warnings: tuple[Diagnostic, ...] = ()
    blocked: tuple[Block, ...] = ()
    pending: tuple[Pending, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    """Load policies and notification rules that will act on other chargers than before."""
    absent: Absent = msgspec.field(default_factory=Absent)
    """Deferred by earlier applies."""
    format_version: str = FORMAT_VERSION

    @property
    def is_empty(self) -> bool:
        """Return True where applying it would change nothing."""
        return not self.resource_changes

    @property
    def chargers(self) -> tuple[str, ...]:
        """Return the names of all chargers that it affects, sorted."""
        return tuple(sorted(name for effect in self.effects for name in effect.names))

    @property
    def summary(self) -> Summary:
        """Return the counts."""
        actions = [change.action for change in self.resource_changes]
        live = dict.fromkeys(Disruption, 0)
        for effect in self.effects:
            live[effect.disruption] += len(effect.chargers)
        return Summary(
            add=actions.count(Action.CREATE),
            change=actions.count(Action.UPDATE),
            destroy=actions.count(Action.DELETE),
            flip=live[Disruption.LIVE_FLIP],
            reconnect=live[Disruption.RECONNECT],
            refused=live[Disruption.REFUSED],
            unnoticed=live[Disruption.NONE],
            deferred=sum(len(found.deferred) for found in self.effects if found.disruption != Disruption.DISCONNECT),
            disconnect=live[Disruption.DISCONNECT],
        )
