"""What a back-end asks of the charger that the relay plays, and what is decided on it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from reconciler.as_charger.settings import LegSettings, profile_of
from reconciler.model.desired import Backend

Payload = Mapping[str, Any]

BASIC_PROFILES: Final = (1, 2)
MUTUAL_TLS: Final = 3


class Papers(Protocol):
    """Reads certificates; deterministic. `ValueError` where something is no PEM certificate."""

    def chain_fault(self, chain: bytes, private_key: bytes, common_name: str, now: datetime) -> str:
        """Return why a signed chain is not what was asked for, "" where it is: key, CN, dates, signatures."""

    def expires_at(self, chain: bytes) -> datetime:
        """Return when the first certificate of a chain expires."""

    def renew_at(self, chain: bytes) -> datetime:
        """Return when the first certificate of a chain is to be renewed."""

    def root_fault(self, root: bytes, now: datetime) -> str:
        """Return why this can't be a root, "" where it is one certificate of a CA that is valid now."""

    def is_issued_by(self, certificate: bytes, authorities: bytes) -> bool:
        """Tell whether one of these CAs signed a certificate."""

    def split(self, bundle: bytes) -> tuple[bytes, ...]:
        """Return the certificates of a bundle, one by one, as PEM."""

    def hash_data(self, root: bytes, algorithm: str) -> Mapping[str, str]:
        """Return CertificateHashDataType of a self-signed certificate; `algorithm` is SHA256, SHA384 or SHA512."""


class Asked(msgspec.Struct, frozen=True):
    """A CALL about the leg: `settings` are in force, `declared` is the spec's back-end."""

    version: str
    action: str
    payload: Payload
    identity: str
    declared: Backend
    settings: LegSettings
    papers: Papers
    now: datetime
    serial: str = ""
    """The charger's serial number: the CN of its certificates."""
    trusted: bytes | None = None
    """The CAs that the spec names for this back-end, PEM; None: the system's."""

    @property
    def profile(self) -> int:
        """Return the leg's security profile."""
        return profile_of(self.declared, self.settings)

    @property
    def has_certificate(self) -> bool:
        """Return True where the leg has a client certificate, in use or not."""
        return self.settings.certificate is not None or self.declared.security.certificate is not None

    def may_have(self, profile: int, *, password: bool = False) -> bool:
        """Return True where all that a security profile needs is there; `password`: one comes with the order."""
        if profile in BASIC_PROFILES:
            return password or self.has_password
        return profile != MUTUAL_TLS or self.has_certificate

    @property
    def has_password(self) -> bool:
        """Return True where the leg has a password, in use or not."""
        return self.settings.password is not None or self.declared.security.password is not None


class Decision(msgspec.Struct, frozen=True):
    """`answer` is the CALLRESULT's payload.

    `candidates` are the settings that this leads to, the likeliest first, () for no change. With `reconnect` they are
    put to the proof by a new connection; else the first simply counts.
    """

    answer: Payload
    candidates: tuple[LegSettings, ...] = ()
    reconnect: bool = False
    sign: bool = False
    """Ask the back-end for a certificate, once it has its answer."""


def rejected(**more: Any) -> Decision:
    """Return the refusal that most actions have."""
    return Decision({"status": "Rejected", **more})
