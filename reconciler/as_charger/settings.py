"""Leg settings: what a back-end has set on its own leg, over what the spec declares for it.

The newer of the two counts, part by part: `declared` holds a digest of each part of the spec as it was when the
back-end changed something. Once that part of the spec is another, the back-end's word on it is over.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec.structs import asdict, replace

from reconciler.model.desired import SIGNING_REPEAT_TIMES, SIGNING_WAIT_MINIMUM_S, Backend, DesiredLeg, SecretRef

PASSWORD: Final = "password"
PROFILE: Final = "profile"
ADDRESS: Final = "address"
CERTIFICATE: Final = "certificate"
TRUST: Final = "trust"
NEW_ROOT: Final = "new root"
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    PASSWORD: ("password",),
    PROFILE: ("profile",),
    ADDRESS: ("url",),
    CERTIFICATE: ("certificate", "private_key"),
    TRUST: ("roots", "new_root", "only_roots"),
}
"""Part of the spec -> the settings that stand in its place."""

TLS_PROFILES: Final = (2, 3)


class LegSettings(msgspec.Struct, frozen=True):
    """What one back-end has set on one charger's leg; None, or empty: as the spec has it.

    `certificate` and `roots` are PEM, `organization` is the O of certificates asked for. `marks` holds what people may
    see of a changed part: a fingerprint, or the value where that is no secret.
    """

    password: bytes | None = None
    profile: int | None = None
    url: str | None = None
    certificate: bytes | None = None
    private_key: bytes | None = None
    certificate_expires_s: float = 0.0
    """Seconds since the epoch."""
    certificate_renew_s: float = 0.0
    """When to ask for the next one; seconds since the epoch."""
    roots: bytes | None = None
    new_root: bytes | None = None
    """One of `roots` with which no connection was made yet; once there is one, it replaces all others (M05)."""
    only_roots: bool | None = None
    """True once that was so: the leg trusts `roots` and no longer what the spec names."""
    organization: str | None = None
    asked_key: bytes | None = None
    """The key of a certificate that was asked for and has not come."""
    signing_wait_minimum_s: int | None = None
    """2.x: how long a CertificateSigned is waited for before it is asked for again; doubles each time."""
    signing_repeat_times: int | None = None
    networks: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """2.x: configuration slot -> connection data, as the back-end set it."""
    priority: tuple[int, ...] = ()
    """2.x: slots in the order in which they are tried."""
    restart_due: bool = False
    """`priority` has changed, and takes effect with the next reset."""
    rotations: Mapping[str, int] = msgspec.field(default_factory=dict)
    """How often the back-end has changed each part."""
    dates: Mapping[str, str] = msgspec.field(default_factory=dict)
    """When it last did, for people: "2026-12-01 02:00Z"."""
    declared: Mapping[str, str] = msgspec.field(default_factory=dict)
    marks: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in asdict(self).items() if name not in _UNSEEN)
        return f"LegSettings({', '.join(shown)})"

    @property
    def signing_wait_s(self) -> int:
        """Return how long to wait for a CertificateSigned at first, in seconds."""
        return self.signing_wait_minimum_s or SIGNING_WAIT_MINIMUM_S

    @property
    def signing_repeats(self) -> int:
        """Return how often to ask for it again."""
        return SIGNING_REPEAT_TIMES if self.signing_repeat_times is None else self.signing_repeat_times

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts in which the back-end's word counts."""
        return tuple(part for part, names in PARTS.items() if any(getattr(self, name) is not None for name in names))

    def without(self, *parts: str) -> "LegSettings":
        """Return the same with these parts as the spec has them."""
        gone = {name: None for part in parts for name in PARTS[part]}
        marks = {part: mark for part, mark in self.marks.items() if part not in parts}
        return replace(self, marks=marks, **gone)

    def snapshot(self) -> dict[str, Any]:
        """Return everything as JSON data, secrets in the clear: to be encrypted before it goes anywhere."""
        values = asdict(self)
        return {name: _written(value) for name, value in values.items() if value or (value == 0 and name in _ZERO)}

    @classmethod
    def restored(cls, snapshot: Mapping[str, Any]) -> Self:
        """Return what `snapshot` wrote; what a newer version added is left out."""
        known = set(cls.__struct_fields__)
        return cls(**{name: _read(name, value) for name, value in snapshot.items() if name in known})


_UNSEEN: Final = ("password", "private_key", "asked_key", "networks")
"""What may hold a secret, and no representation shows."""
_ZERO: Final = ("signing_repeat_times",)
"""What is something else than unset where it is 0."""
_BYTES: Final = ("password", "certificate", "private_key", "roots", "new_root", "asked_key")


def _written(value: Any) -> Any:
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _read(name: str, value: Any) -> Any:
    if name in _BYTES:
        return b64decode(value)
    return tuple(value) if name == "priority" else value


def overtaken(settings: LegSettings, declared: Mapping[str, str]) -> tuple[str, ...]:
    """Return the parts that the spec has changed since the back-end set them.

    `declared` holds today's digests; a part that is missing can't be read now and counts as unchanged.
    """
    then = settings.declared
    return tuple(part for part in settings.parts if declared.get(part, then.get(part)) != then.get(part))


def effective(leg: DesiredLeg, settings: LegSettings, charger: str) -> DesiredLeg:
    """Return the leg as it is to be dialled: the spec's, with what the back-end has set in its place.

    What is secret stays a reference, `kept:charger/backend/part`.
    """
    backend = leg.backend
    security, profile = backend.security, profile_of(backend, settings)
    if settings.password is not None:
        security = replace(security, password=_kept(charger, backend, PASSWORD), password_encoding="plain")
    if settings.certificate is not None:
        certificate, key = _kept(charger, backend, CERTIFICATE), _kept(charger, backend, "key")
        security = replace(security, certificate=certificate, private_key=key)
    if settings.only_roots:
        security = replace(security, trusted_ca=_kept(charger, backend, TRUST))
    elif settings.roots is not None:
        security = replace(security, additional_ca=_kept(charger, backend, TRUST))
    security = replace(security, profile=profile)
    return replace(leg, backend=replace(backend, url=address_of(backend, settings), security=security))


def proving(leg: DesiredLeg, settings: LegSettings, charger: str) -> DesiredLeg | None:
    """Return the leg as it is to be dialled to learn whether the new root alone will do; None where there is none."""
    if settings.new_root is None or profile_of(leg.backend, settings) not in TLS_PROFILES:
        return None
    as_it_is = effective(leg, settings, charger)
    backend = as_it_is.backend
    trusted = replace(backend.security, trusted_ca=_kept(charger, backend, NEW_ROOT), additional_ca=None)
    return replace(as_it_is, backend=replace(backend, security=trusted))


def proven(settings: LegSettings) -> LegSettings:
    """Return the settings once a connection was made with the new root: the others are retired."""
    return replace(settings, roots=settings.new_root, new_root=None, only_roots=True)


def profile_of(backend: Backend, settings: LegSettings) -> int:
    """Return the security profile that the leg has."""
    return backend.security.profile if settings.profile is None else settings.profile


def address_of(backend: Backend, settings: LegSettings) -> str:
    """Return the URL that is dialled: the back-end's, else the spec's; with TLS where the profile asks for it."""
    url = backend.url if settings.url is None else settings.url
    parts = urlsplit(url)
    if profile_of(backend, settings) not in TLS_PROFILES or parts.scheme != "ws":
        return url
    return backend.tls_url or urlunsplit(parts._replace(scheme="wss"))


def _kept(charger: str, backend: Backend, part: str) -> SecretRef:
    return SecretRef("kept", f"{charger}/{backend.name}/{part}")
