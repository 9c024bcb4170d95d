"""Certificates and CAs that specs name for legs: when they expire, read as they are now, not as they were dialled."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from reconciler.app.ports import Secrets
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import DesiredCharger, SecretRef


class Dates(Protocol):
    """Reads certificates; `ValueError` where something is none."""

    def expires_at(self, chain: bytes) -> datetime:
        """Return when the first certificate of a chain expires."""

    def last_expires_at(self, bundle: bytes) -> datetime:
        """Return when the last certificate of a bundle expires: from then on it trusts nobody."""


@dataclass(slots=True)
class Named:
    """One certificate or bundle of CAs that specs name: who shows or trusts it, and for which chargers."""

    whose: str
    name: str
    expires_s: float
    chargers: list[str] = field(default_factory=list)


class LegCertificates:
    """What was found at the last `look`."""

    def __init__(self, desired: Callable[[], Iterable[DesiredCharger]], secrets: Secrets, dates: Dates) -> None:
        self._desired = desired
        self._secrets = secrets
        self._dates = dates
        self._found: tuple[Named, ...] = ()
        self._legs: Mapping[tuple[str, str], float] = {}

    async def look(self) -> None:
        """Read everything anew, away from the event loop: there may be a file for each charger."""
        self._found, self._legs = await asyncio.to_thread(self._read, tuple(self._desired()))

    def leg(self, charger: str, backend: str) -> float:
        """Return when the certificate that the spec names for a leg expires (epoch s), 0 where there is none."""
        return self._legs.get((charger, backend), 0.0)

    def __iter__(self) -> Iterator[Named]:
        return iter(self._found)

    def _read(self, chargers: Iterable[DesiredCharger]) -> tuple[tuple[Named, ...], dict[tuple[str, str], float]]:
        found: dict[tuple[str, str], Named | None] = {}
        legs: dict[tuple[str, str], float] = {}
        for charger in chargers:
            for leg in charger.legs:
                backend, security = leg.backend.name, leg.backend.security
                shown = self._named(found, "leg", backend, security.certificate, charger)
                self._named(found, "ca", backend, security.trusted_ca, charger)
                if shown is not None:
                    legs[charger.name, backend] = shown.expires_s
        return tuple(named for named in found.values() if named is not None), legs

    def _named(
        self,
        found: dict[tuple[str, str], Named | None],
        whose: str,
        backend: str,
        ref: SecretRef | None,
        charger: DesiredCharger,
    ) -> Named | None:
        if ref is None:
            return None
        read = self._dates.expires_at if whose == "leg" else self._dates.last_expires_at
        name = f"{backend} {str(ref).replace('{identity}', charger.identity)}"
        if (whose, name) not in found:
            try:
                expires_s = read(self._secrets.resolve(ref, charger.identity)).timestamp()
                found[whose, name] = Named(whose, name, expires_s)
            except (SecretUnavailable, ValueError):
                found[whose, name] = None  # the leg says so when it is dialled
        named = found[whose, name]
        if named is not None:
            named.chargers.append(charger.name)
        return named
