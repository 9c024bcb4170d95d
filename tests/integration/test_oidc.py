"""Tokens of an identity provider, over a real socket: what is checked, what they give, keys that change."""

import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reconciler.adapters.oidc import FETCH_APART_S, KEYS_KEPT_S, KEYS_USABLE_S, Grant, OidcProvider
from reconciler.errors import FwdctlError
from reconciler.model.access import Access
from tests.support.clock import FakeClock
from tests.support.oidc_issuer import Issuer, running_issuer
from tests.support.server import running_server

GRANTS = (
    "groups=fleet -> operator",
    "groups=depot-a -> operator site=a vendor=x",
    "groups=everybody -> viewer",
    "scope=fwdctl:admin -> admin",
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """A provider."""
    with running_issuer() as issuer:
        yield issuer


def provider(issuer: Issuer, clock: FakeClock | None = None) -> OidcProvider:
    """Return our side, with no keys yet."""
    return OidcProvider(issuer.url, "fwdctl", [Grant.parse(text) for text in GRANTS], clock or FakeClock())


async def test_claims_give_the_most_that_a_grant_says(issuer: Issuer) -> None:
    ours = provider(issuer)
    fleet = await ours.recognise(issuer.token(groups=["everybody", "fleet", "depot-a"]))
    depot = await ours.recognise(issuer.token(groups=["everybody", "depot-a"], email="ann@x", email_verified=True))
    admin = await ours.recognise(issuer.token(scope="openid fwdctl:admin", email="root@x"))
    assert fleet is not None
    assert depot is not None
    assert admin is not None
    assert (fleet.access, fleet.select, fleet.name) == (Access.OPERATOR, {}, "ann via 127.0.0.1")
    assert (depot.access, depot.select, depot.name) == (
        Access.OPERATOR,
        {"site": "a", "vendor": "x"},
        "ann@x via 127.0.0.1",
    )
    assert (admin.access, admin.name) == (Access.ADMIN, "ann via 127.0.0.1")  # nobody vouches for that address
    assert fleet.expires_at is not None
    assert await ours.recognise(issuer.token(groups=["strangers"])) is None
    assert await ours.recognise(issuer.token(groups="fleet-not")) is None


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token without a signature."""
    return f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(claims)}."


def encoded(part: dict[str, Any]) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def signed_with_what_is_public(issuer: Issuer, claims: dict[str, Any]) -> str:
    """Return a token whose signature is an HMAC with the published key."""
    head = unsigned(claims).removesuffix(".").partition(".")[2]
    text = f"{encoded({'alg': 'HS256', 'kid': issuer.key_id})}.{head}"
    signature = hmac.digest(json.dumps(issuer.public()).encode(), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"nbf": 9_999_999_999},
        {"iat": 9_999_999_999},
    ],
    ids=str,
)
async def test_a_token_with_a_claim_that_is_wrong_is_nobody_s(issuer: Issuer, wrong: dict[str, Any]) -> None:
    assert await provider(issuer).recognise(issuer.token(groups=["fleet"], **wrong)) is None


async def test_forgeries_are_nobody_s(issuer: Issuer) -> None:
    ours = provider(issuer)
    right = issuer.token(groups=["fleet"])
    assert await ours.recognise(right) is not None
    claims = jwt.decode(right, options={"verify_signature": False})
    own = ec.generate_private_key(ec.SECP256R1())
    forged = [
        right[:-4] + "AAAA",
        right.rpartition(".")[0] + ".",
        unsigned(claims),
        jwt.encode(claims, own, algorithm="ES256", headers={"kid": issuer.key_id}),
        signed_with_what_is_public(issuer, claims),
        "a.b.c",
        "..",
        "." * 2 + "x" * 100_000,
    ]
    for token in forged:
        assert await ours.recognise(token) is None, token[:80]


async def test_keys_are_kept_and_a_rotation_is_noticed_by_the_first_token_with_the_new_key() -> None:
    with running_issuer() as issuer:
        clock = FakeClock()
        ours = provider(issuer, clock)
        for _ in range(5):
            assert await ours.recognise(issuer.token(groups=["fleet"])) is not None
        assert issuer.asked.count("/keys") == 1
        old = issuer.token(groups=["fleet"])
        issuer.rotate("second")
        assert await ours.recognise(issuer.token(groups=["fleet"])) is None  # asked a moment ago
        clock.advance(FETCH_APART_S + 1)
        assert await ours.recognise(issuer.token(groups=["fleet"])) is not None
        assert await ours.recognise(old) is None
        for _ in range(20):
            assert await ours.recognise(old) is None
        assert issuer.asked.count("/keys") == 2
        clock.advance(KEYS_KEPT_S + 1)
        assert await ours.recognise(issuer.token(groups=["fleet"])) is not None
        assert issuer.asked.count("/keys") == 3


@pytest.mark.parametrize(
    "broken",
    [
        {"/keys": None},
        {"/keys": lambda: ["no", "object"]},
        {"/keys": lambda: {"keys": []}},
        {"/keys": lambda: {"keys": [{}] * 100_000}},
        {"/.well-known/openid-configuration": lambda: {"issuer": "https://evil.example"}},
        {"/.well-known/openid-configuration": lambda: {}},
    ],
)
async def test_a_provider_that_is_away_or_broken_lets_nobody_in_and_its_last_keys_count_for_a_day(broken: Any) -> None:
    with running_issuer() as issuer:
        clock = FakeClock()
        ours = provider(issuer, clock)
        assert await ours.recognise(issuer.token(groups=["fleet"])) is not None
        issuer.answers |= broken
        assert await provider(issuer).recognise(issuer.token(groups=["fleet"])) is None
        clock.advance(KEYS_KEPT_S + 1)
        assert await ours.recognise(issuer.token(groups=["fleet"])) is not None
        clock.advance(KEYS_USABLE_S)
        assert await ours.recognise(issuer.token(groups=["fleet"])) is None


def test_what_would_let_in_nobody_or_everybody_is_refused_at_the_start() -> None:
    grant = Grant.parse("groups=a b -> viewer")
    assert (grant.claim, grant.value) == ("groups", "a b")
    for issuer, audience, grants in (
        ("http://login.example.com", "fwdctl", [grant]),
        ("https://login.example.com", "", [grant]),
        ("https://login.example.com", "fwdctl", []),
    ):
        with pytest.raises(FwdctlError):
            OidcProvider(issuer, audience, grants, FakeClock())
    for text in ("", "groups", "groups=x", "groups=x -> boss", "groups=x -> viewer site"):
        with pytest.raises(FwdctlError, match="no grant"):
            Grant.parse(text)


async def test_a_whole_server_takes_them_and_names_who_it_was(tmp_path: Path, issuer: Issuer) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "admin-token").touch(0o600)
    (data / "admin-token").write_text("root")
    settings = {"oidc_issuer": issuer.url, "oidc_audience": "fwdctl", "oidc_grant": GRANTS}
    async with (
        running_server(data, **settings) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as api,
    ):
        ann = {"Authorization": f"Bearer {issuer.token(groups=['fleet'])}"}
        assert (await api.get("/v1/status", headers=ann)).status_code == 200
        assert (await api.get("/v1/tokens", headers=ann)).status_code == 403
        assert (await api.post("/v1/lock/break", headers=ann)).status_code == 200
        other = {"Authorization": f"Bearer {issuer.token(groups=['fleet'], aud='other')}"}
        assert (await api.get("/v1/status", headers=other)).status_code == 401
        audit = await server.fwdctl("history", "--kind", "api-call", environ={"FWDCTL_TOKEN": "root"})
    assert "ann via 127.0.0.1" in audit.out
