"""What the spec says of a leg, as digests: so that a later change of it is noticed, secrets included."""

import hashlib
from collections.abc import Mapping, Sequence

from reconciler.app.ports import Secrets
from reconciler.as_charger.settings import ADDRESS, CERTIFICATE, PASSWORD, PROFILE, TRUST
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import Backend, SecretRef


def declared_digests(backend: Backend, identity: str, secrets: Secrets) -> Mapping[str, str]:
    """Return part -> digest of what the spec says, secrets by their value; to be stored encrypted only.

    A part whose secret does not resolve is missing: what a back-end has set over it stays until there is another.
    """
    security = backend.security
    facts: Mapping[str, tuple[SecretRef | str | None, ...]] = {
        PASSWORD: (security.password, security.password_encoding),
        PROFILE: (str(security.profile),),
        ADDRESS: (backend.url, backend.tls_url),
        CERTIFICATE: (security.certificate, security.private_key),
        TRUST: (security.trusted_ca,),
    }

    def value(fact: SecretRef | str | None) -> bytes:
        return secrets.resolve(fact, identity) if isinstance(fact, SecretRef) else (fact or "").encode()

    digests = {}
    for part, its_facts in facts.items():
        try:
            digests[part] = _digest([value(fact) for fact in its_facts])
        except SecretUnavailable:
            continue
    return digests


def _digest(values: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(len(value).to_bytes(4, "big") + value for value in values)).hexdigest()
