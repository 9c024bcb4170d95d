"""Redaction: what nobody may read is nowhere in what is shown, and the rest is."""

import json
from typing import Any

import pytest

from reconciler.app.frame_redaction import READ_MAX_BYTES, shown, token_shown

PEM = "-----BEGIN CERTIFICATE-----\nMIIBhunter2\n-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    "payload",
    [
        {"idTag": "hunter2"},
        {"idTagInfo": {"parentIdTag": "hunter2-and-more", "status": "Accepted"}},
        {"idToken": {"idToken": "hunter2", "type": "ISO14443"}},
        {"idToken": {"idToken": "x", "type": "Central", "additionalInfo": [{"additionalIdToken": "hunter2"}]}},
        {"key": "AuthorizationKey", "value": "hunter2"},
        {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": "hunter2"}]},
        {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": "hunter2"}]},
        {"connectionData": {"basicAuthPassword": "hunter2", "vpn": {"server": "s", "user": "u", "key": "hunter2"}}},
        {"connectionData": {"apn": {"apnUserName": "u", "apnPassword": "hunter2"}}},
        {"certificateChain": "hunter2"},
        {"certificate": PEM},
        {"data": PEM},
        {"csr": "hunter2"},
        {"firmware": {"location": "https://bob:hunter2@relay.example/f/1", "signingCertificate": "hunter2"}},
        {"location": "https://relay.example/files/hunter2"},
        {"remoteLocation": "ftp://relay.example/?token=hunter2"},
        {"data": json.dumps({"idTag": "hunter2"})},
        {"data": json.dumps({"a": json.dumps({"password": "hunter2"})})},
        {"listVersion": 1, "localAuthorizationList": [{"idTag": "hunter2"}, {"idToken": {"idToken": "hunter2"}}]},
        {"iso15118CertificateHashData": [{"hashData": "hunter2"}], "emaid": "hunter2"},
    ],
)
def test_no_secret_is_in_what_is_shown(payload: dict[str, Any]) -> None:
    assert "hunter2" not in shown(json.dumps(payload).encode())


def test_the_rest_is_shown_as_it_is() -> None:
    payload = {
        "connectorId": 1,
        "meterStart": 0.5,
        "status": "Faulted",
        "vendorId": "com.acme",
        "key": ["A"],
        "x": None,
    }
    assert json.loads(shown(json.dumps(payload).encode())) == payload
    listed = {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]}
    assert json.loads(shown(json.dumps(listed).encode())) == listed


def test_two_tokens_can_be_told_apart_and_short_ones_are_hidden() -> None:
    assert token_shown("04A2B3C4D5E6F7") == "…6F7"
    assert token_shown("1234567") == "…"


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b"1e999"])
def test_what_can_t_be_read_is_said_to_be_so(payload: bytes) -> None:
    assert "hunter2" not in shown(payload)


def test_what_is_large_is_not_read_or_cut() -> None:
    assert shown(b" " * (READ_MAX_BYTES + 1)) == f"({READ_MAX_BYTES + 1} bytes, not shown)"
    text = shown(json.dumps({"data": "x" * 10_000}).encode())
    assert len(text) < 4_100
    assert text.endswith("characters)")
