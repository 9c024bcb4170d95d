"""OpenID Connect: bearer tokens of an identity provider, checked against its published keys and turned into access.

PyJWT verifies; the keys are fetched by discovery, kept, and fetched anew when a token names one that is not known.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
import structlog

from reconciler.app.ports import Clock
from reconciler.errors import FwdctlError
from reconciler.model.access import Access, Caller, printable

ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Asymmetric ones only: with HS256 a public key would be a password, with none there would be no signature."""
LEEWAY_S: Final = 30
KEYS_KEPT_S: Final = 3600.0
KEYS_USABLE_S: Final = 24 * 3600.0
"""While the provider is away its last keys go on counting; not for ever, as one may have been withdrawn."""
FETCH_APART_S: Final = 30.0
"""So that tokens with made-up key ids don't become a flood of requests."""
FETCH_WITHIN_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 1024 * 1024
TOKEN_LENGTH_MAX: Final = 16 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_GRANT: Final = re.compile(
    r"(?P<claim>[^=\s]+)=(?P<value>.*?)\s*->\s*(?P<access>\w+)(?P<labels>(?:\s+[^=\s]+=\S+)*)\s*"
)

_log = structlog.get_logger(__name__)


class Grant(msgspec.Struct, frozen=True):
    """What a claim with a value gives: an access, on all chargers or on those with these labels."""

    claim: str
    value: str
    access: Access
    select: Mapping[str, str] = msgspec.field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the grant that "groups=depot-a -> technician site=depot-a" writes; raises FwdctlError."""
        found = _GRANT.fullmatch(text)
        if found is None or found["access"] not in set(Access):
            raise FwdctlError(
                f"{text!r} is no grant", hint='write --oidc-grant "groups=fleet-operators -> operator", see SECURITY.md'
            )
        labels = dict(label.split("=", 1) for label in found["labels"].split())
        return cls(found["claim"], found["value"], Access(found["access"]), labels)

    def is_given_by(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether these claims have the value: as it is, in a list, or as a word of `scope`."""
        value = claims.get(self.claim)
        if isinstance(value, list):
            return self.value in value
        return value == self.value or (self.claim == "scope" and self.value in str(value).split())


class OidcProvider:
    """Implements `app.callers.IdentityProvider` for one issuer and one audience."""

    def __init__(self, issuer: str, audience: str, grants: Sequence[Grant], clock: Clock) -> None:
        """Raises FwdctlError for an issuer that is not reached over TLS, or where nothing is granted."""
        _check_url(issuer)
        if not audience or not grants:
            raise FwdctlError("an OIDC issuer without audience or grants lets nobody in", hint="see SECURITY.md")
        self._issuer = issuer
        self._host = urlsplit(issuer).hostname or issuer
        self._audience = audience
        self._grants = tuple(grants)
        self._keys = _Keys(issuer, clock)

    async def recognise(self, text: str) -> Caller | None:
        """Return who shows this token, with the most that a grant gives; None where it is not valid, or gives nothing.

        Everything is checked: signature, issuer, audience, `exp`, `nbf`, `iat`.
        """
        if text.count(".") != 2 or len(text) > TOKEN_LENGTH_MAX:
            return None
        try:
            claims = await self._claims(text)
        except (jwt.PyJWTError, ValueError) as error:
            _log.info("OIDC token refused", reason=type(error).__name__)
            return None
        given = [grant for grant in self._grants if grant.is_given_by(claims)]
        if not given:
            _log.info("OIDC token without a grant", subject=printable(str(claims["sub"])))
            return None
        most = max(given, key=lambda grant: (list(Access).index(grant.access), not grant.select))
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return Caller(self._name(claims), most.access, expires_at=expires_at, select=most.select)

    async def _claims(self, text: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(text)
        algorithm = header.get("alg", "")
        if algorithm not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError(algorithm)
        key = await self._keys.find(header.get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("no such key")
        return jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _name(self, claims: Mapping[str, Any]) -> str:
        """Return the name for history: the address where the provider vouches for it, else the subject."""
        vouched = claims.get("email") if claims.get("email_verified") is True else None
        return f"{printable(str(vouched or claims['sub']))} via {self._host}"


class _Keys:
    """The issuer's keys by id."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_s = self._tried_s = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key with this id; a token that names none is by the only key there is."""
        if self._found(key_id) is None or self._age_s() > KEYS_KEPT_S:
            async with self._one_at_a_time:
                if self._clock.monotonic_s() - self._tried_s > FETCH_APART_S and (
                    self._found(key_id) is None or self._age_s() > KEYS_KEPT_S
                ):
                    await self._fetch()
        return self._found(key_id) if self._age_s() <= KEYS_USABLE_S else None

    def _age_s(self) -> float:
        return self._clock.monotonic_s() - self._fetched_s

    def _found(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        self._tried_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(FETCH_WITHIN_S), httpx.AsyncClient(follow_redirects=False) as client:
                described = await _json(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                if described.get("issuer") != self._issuer:
                    raise ValueError("its discovery names another issuer")
                _check_url(str(described.get("jwks_uri")))
                keys = jwt.PyJWKSet.from_dict(await _json(client, described["jwks_uri"]))
        except (httpx.HTTPError, TimeoutError, ValueError, FwdctlError, jwt.PyJWTError) as error:
            _log.warning("keys of the OIDC issuer not fetched", issuer=self._issuer, reason=str(error) or repr(error))
            return
        self._keys = {key.key_id: key for key in keys.keys if key.public_key_use in (None, "sig")}
        self._fetched_s = self._clock.monotonic_s()


async def _json(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    async with client.stream("GET", url) as answer:
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"{url} answered {answer.status_code}")
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > ANSWER_BYTES_MAX:
                raise ValueError(f"{url} answered more than {ANSWER_BYTES_MAX} bytes")
    found = httpx.Response(200, content=body).json()
    if not isinstance(found, dict):
        raise ValueError(f"{url} answered no JSON object")
    return found


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise FwdctlError(f"the OIDC issuer's URL {url!r} is not https", hint="whoever is between could forge its keys")
