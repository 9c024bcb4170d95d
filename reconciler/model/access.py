"""Access to the admin API: four levels, each with all rights of the ones before it, and tokens that carry one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Access(StrEnum):
    """What a caller may do."""

    VIEWER = "viewer"
    """Read, and plan."""
    TECHNICIAN = "technician"
    """Put other back-ends in charge for a while, and end that."""
    OPERATOR = "operator"
    """Apply specs, break locks."""
    ADMIN = "admin"
    """Give and take tokens."""

    def covers(self, needed: "Access") -> bool:
        """Return True where this level may do what `needed` may."""
        levels = list(Access)
        return levels.index(self) >= levels.index(needed)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is kept: `digest` is the SHA-256 of its 256 random bits, from which nobody gets them back."""

    id: str
    name: str
    access: Access
    digest: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    """None: never."""
    revoked_at: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        """Return True where the token is neither expired nor revoked at `now` (aware, UTC)."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
