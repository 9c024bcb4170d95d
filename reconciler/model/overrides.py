"""Overrides: roles changed for a while on one charger, by a technician or an outage, on top of what is declared."""

from collections.abc import Mapping
from datetime import datetime

import msgspec


class Override(msgspec.Struct, frozen=True):
    """A technician's toggle on one charger.

    `roles` maps back-end -> role name; back-ends not named keep the role they have. Half-open: it holds
    while `start <= now < until`; `until` None means until somebody ends it.
    """

    id: str
    charger: str
    roles: Mapping[str, str]
    start: datetime
    until: datetime | None
    reason: str
    actor: str

    def holds_at(self, now: datetime) -> bool:
        """Return True where the override is in force at `now` (aware, UTC)."""
        return self.start <= now and (self.until is None or now < self.until)
