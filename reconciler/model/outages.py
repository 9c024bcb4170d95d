"""Outages: planned changes of roles that open once or again and again, and what people changed about one opening."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from reconciler.model.desired import FlipPolicy
from reconciler.model.windows import Window


class Notice(msgspec.Struct, frozen=True):
    """Whom to tell (back-ends), and how long before each opening."""

    before_s: tuple[int, ...]
    to: tuple[str, ...]


class Outage(msgspec.Struct, frozen=True):
    """Other roles on some chargers while a window is open.

    Declared by a ScheduledOutage, or begun from the command line: then `actor` says by whom. `roles` maps
    back-end -> role name; `flip` None leaves it to the binding how owners change.
    """

    name: str
    chargers: tuple[str, ...]
    window: Window
    roles: Mapping[str, str]
    flip: FlipPolicy | None = None
    notice: Notice | None = None
    reason: str = ""
    actor: str = ""

    @property
    def address(self) -> str:
        """Return what it is called everywhere: an address, or `outage NAME` for one begun by hand."""
        return f"outage {self.name}" if self.actor else f"scheduled-outage.{self.name}"


class Adjustment(msgspec.Struct, frozen=True):
    """One opening ends at another time than planned; where that is the opening itself, it never opens."""

    outage: str
    opening: datetime
    until: datetime
    reason: str
    actor: str
    at: datetime


class Occurrence(msgspec.Struct, frozen=True):
    """One opening of an outage: it holds while `opening <= now < until`."""

    outage: Outage
    opening: datetime
    until: datetime
    adjustment: Adjustment | None = None

    @property
    def cancelled(self) -> bool:
        """Return True where it never opens."""
        return self.until <= self.opening

    def holds_at(self, now: datetime) -> bool:
        """Return True where it is open at `now`."""
        return self.opening <= now < self.until
