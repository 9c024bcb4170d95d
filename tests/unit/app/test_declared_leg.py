"""Digests of what the spec says of a leg."""

import pytest
from msgspec.structs import replace

from reconciler.app.declared_leg import declared_digests
from reconciler.model.desired import Backend, SecretRef, Security
from tests.support.relay import KnownSecrets

SECURITY = Security(profile=1, password=SecretRef("env", "P"))
BACKEND = Backend("partner", "ws://csms/ocpp", (), SECURITY)


def changed(backend: Backend, **secrets: bytes) -> list[str]:
    before = declared_digests(BACKEND, "CP1", KnownSecrets({"P": b"one"}))
    after = declared_digests(backend, "CP1", KnownSecrets({"P": b"one"} | secrets))
    return [part for part in before if before[part] != after.get(part)]


def test_the_same_is_the_same() -> None:
    assert changed(BACKEND) == []


@pytest.mark.parametrize(
    ("backend", "part"),
    [
        (replace(BACKEND, url="wss://csms/ocpp"), "address"),
        (replace(BACKEND, tls_url="wss://csms/ocpp"), "address"),
        (replace(BACKEND, security=replace(SECURITY, profile=2)), "profile"),
        (replace(BACKEND, security=replace(SECURITY, password_encoding="hex")), "password"),
        (replace(BACKEND, security=replace(SECURITY, trusted_ca=SecretRef("env", "P"))), "trust"),
        (replace(BACKEND, security=replace(SECURITY, certificate=SecretRef("env", "P"))), "certificate"),
    ],
)
def test_each_change_belongs_to_its_part(backend: Backend, part: str) -> None:
    assert changed(backend) == [part]


def test_a_secret_that_only_changed_its_value_changed() -> None:
    assert changed(BACKEND, P=b"two") == ["password"]


def test_what_can_not_be_read_is_left_out() -> None:
    assert "password" not in declared_digests(BACKEND, "CP1", KnownSecrets({}))
