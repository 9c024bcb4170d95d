"""What the relay must keep secret at rest: the port of whoever encrypts, and what is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Sealer(Protocol):
    """Encrypts and decrypts with the server's keys; the first of several encrypts."""

    def seal(self, plain: bytes, about: str) -> bytes:
        """Return `plain` encrypted; it opens only for the same `about`, which says whose it is."""

    def unseal(self, sealed: bytes, about: str) -> bytes:
        """Return what was sealed; raises Unsealable."""

    def is_old(self, sealed: bytes) -> bool:
        """Tell whether another than the first key sealed this."""

    def fingerprint(self, value: bytes) -> str:
        """Return a short mark of a secret for people to compare; says nothing about it to whoever lacks the keys."""


class SealedLeg(msgspec.Struct, frozen=True):
    """One leg's settings as they are stored."""

    charger: str
    backend: str
    sealed: bytes
    changed_at: datetime


class LegStore(Protocol):
    """Where legs' settings are kept; a part of the store."""

    async def put_sealed_legs(self, legs: Sequence[SealedLeg]) -> None:
        """Write these, all in one transaction, each in place of the same leg's last; once it returns they are safe."""

    async def sealed_leg(self, charger: str, backend: str) -> SealedLeg | None:
        """Return one, None where there is none."""

    async def sealed_legs(self) -> tuple[SealedLeg, ...]:
        """Return all, by charger and back-end."""
