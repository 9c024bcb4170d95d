"""Access to the admin API: four levels, each with all rights of the ones before it; tokens that carry one; callers."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

CLAIM_LENGTH_MAX: Final = 200


class Access(StrEnum):
    """What a caller may do."""

    VIEWER = "viewer"
    """Read, and plan."""
    TECHNICIAN = "technician"
    """Put other back-ends in charge for a while, and end that."""
    OPERATOR = "operator"
    """Apply specs, break locks."""
    ADMIN = "admin"
    """Apply in spite of change windows, give and take tokens."""

    def covers(self, needed: "Access") -> bool:
        """Return True where this level may do what `needed` may."""
        levels = list(Access)
        return levels.index(self) >= levels.index(needed)


MAY_OVERRIDE_WINDOWS: Final = Access.ADMIN
"""Who applies in spite of change windows: a pipeline's operator does not, whatever its flags say."""


class AccessToken(msgspec.Struct, frozen=True):
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
    select: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Labels that a charger must have; empty: all chargers."""

    def holds_at(self, now: datetime) -> bool:
        """Return True where the token is neither expired nor revoked at `now` (aware, UTC)."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Caller(msgspec.Struct, frozen=True):
    """Who calls the admin API, as far as it was proven, and how much they may do."""

    name: str
    access: Access
    token_id: str = ""
    """Of the access token that was shown; "" for none of ours."""
    expires_at: datetime | None = None
    """When what was shown stops holding; None: an access token's own end decides, or nothing does."""
    proven: bool = True
    """False for whoever is on this machine, where the server asks for no token."""
    select: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Labels that a charger must have for this caller to touch it; empty: all chargers."""

    def acting(self, claim: str) -> str:
        """Return whom history names: the proven name, with what the caller says of itself beside it.

        Where nothing was proven the claim is all there is.
        """
        claim = printable(claim)
        if not self.proven:
            return claim or self.name
        return f"{self.name} (says {claim})" if claim and claim != self.name else self.name


def printable(claim: str) -> str:
    """Return a text from outside as one bounded line that can't be taken for another's."""
    return "".join(character for character in claim if character.isprintable())[:CLAIM_LENGTH_MAX].strip()
