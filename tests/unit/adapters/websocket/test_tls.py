"""TLS contexts are strict by default, and failures read as sentences."""

import ssl

import pytest

from reconciler.adapters.websocket.tls import BadCredentials, client_context, failure_reason


@pytest.mark.parametrize(("least", "version"), [("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)])
def test_a_context_verifies_chain_and_name_and_the_least_version(least: str, version: ssl.TLSVersion) -> None:
    context = client_context(least, None, None, None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == version
    assert context.options & ssl.OP_NO_COMPRESSION


@pytest.mark.parametrize("trusted_ca", [b"", b"not a certificate", "Zürich".encode()])
def test_a_trusted_ca_that_is_none_is_refused_and_never_replaced_by_the_systems(trusted_ca: bytes) -> None:
    with pytest.raises(BadCredentials):
        client_context("1.2", trusted_ca, None, None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (62, "certificate of csms.example is for another name"),
        (64, "certificate of csms.example is for another name"),
        (10, "certificate of csms.example has expired"),
        (9, "certificate of csms.example is not valid yet"),
        (18, "certificate of csms.example is self-signed, or signed by a CA that is not trusted"),
        (20, "certificate of csms.example is signed by a CA that is not trusted"),
        (23, "certificate of csms.example is not valid: certificate revoked"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(code: int, reason: str) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "certificate revoked"
    assert failure_reason(error, "csms.example") == reason
