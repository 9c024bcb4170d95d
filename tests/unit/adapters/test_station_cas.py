"""The CAs for stations: the embedded one, and one that is asked over HTTP."""

import base64
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.adapters.development_ca import CERTIFICATE, KEY, DevelopmentCa
from reconciler.adapters.external_ca import ExternalCa, issuer_secret
from reconciler.app.signed_post import signature
from reconciler.errors import FwdctlError, NotIssued
from tests.integration.websocket.certificates import new_request
from tests.support.clock import EPOCH, FakeClock
from tests.support.web_server import web_server

OFFICE = CertificateOffice()
_, REQUEST = new_request("SN-1", "My CPO")


async def test_the_embedded_ca_is_made_once_and_signs_for_clients_only(tmp_path: Path) -> None:
    first, again = (DevelopmentCa.open(tmp_path, FakeClock()) for _ in range(2))
    assert stat.S_IMODE((tmp_path / KEY).stat().st_mode) == 0o600
    chain = await again.issue(REQUEST.decode(), "cp1", "SN-1")
    leaf, root = x509.load_pem_x509_certificates(chain.encode())
    assert root.public_bytes(Encoding.PEM) == (tmp_path / CERTIFICATE).read_bytes()
    leaf.verify_directly_issued_by(root)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (leaf.not_valid_after_utc - EPOCH).days == 365
    assert await first.issue(REQUEST.decode(), "cp1", "SN-1") != chain  # another serial number


def test_a_ca_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    DevelopmentCa.open(tmp_path, FakeClock())
    (tmp_path / KEY).chmod(0o640)
    with pytest.raises(FwdctlError, match="others than its owner may read"):
        DevelopmentCa.open(tmp_path, FakeClock())


@pytest.mark.parametrize("damaged", [KEY, CERTIFICATE])
def test_a_ca_that_is_damaged_is_refused_and_not_made_anew(damaged: str, tmp_path: Path) -> None:
    DevelopmentCa.open(tmp_path, FakeClock())
    (tmp_path / damaged).write_text("garbage")
    with pytest.raises(FwdctlError, match="can't be read"):
        DevelopmentCa.open(tmp_path, FakeClock())


def made(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, name: str = "SN-1", organization: str = "My CPO") -> str:
    subject = [(NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, organization)]
    names = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    request = x509.CertificateSigningRequestBuilder().subject_name(names).sign(key, SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def test_requests_are_checked_for_their_key_name_and_signature() -> None:
    small, large = rsa.generate_private_key(65537, 1024), rsa.generate_private_key(65537, 2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    good = made(curve)
    assert OFFICE.request_fault(good, "SN-1", "My CPO") == OFFICE.request_fault(made(large), "SN-1", "My CPO") == ""
    assert OFFICE.request_fault(good, "SN-1", "") == ""
    assert "1024 bits" in OFFICE.request_fault(made(small), "SN-1", "My CPO")
    assert OFFICE.request_fault(good, "SN-2", "My CPO") == "its CN is not SN-2"
    assert OFFICE.request_fault(good, "SN-1", "Other") == "its O is not Other"
    assert OFFICE.request_fault("garbage", "SN-1", "") == "it can't be read"
    forged = x509.load_pem_x509_csr(good.encode()).public_bytes(Encoding.DER)
    body = base64.encodebytes(forged[:-4] + bytes(4)).decode()
    assert OFFICE.request_fault(
        f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n", "SN-1", ""
    )


async def test_an_external_ca_is_asked_with_a_signed_request() -> None:
    async with web_server() as hook:
        hook.status, hook.body = 200, b'{"certificateChain":"-----BEGIN CERTIFICATE-----"}'
        ca = ExternalCa(hook.url, b"shared", FakeClock(), waits_s=())
        assert await ca.issue(REQUEST.decode(), "cp1", "SN-1") == "-----BEGIN CERTIFICATE-----"
        (posted,) = hook.posted
        assert posted.json["csr"] == REQUEST.decode()
        signed = signature(b"shared", int(EPOCH.timestamp()), posted.content)
        assert posted.headers["fwdctl-signature"] == signed


@pytest.mark.parametrize(
    ("status", "body", "tries", "why"),
    [
        (500, b"", 3, "HTTP 500"),
        (403, b"", 1, "HTTP 403"),
        (302, b"", 1, "HTTP 302"),
        (200, b"garbage", 1, "without a certificateChain"),
        (200, b'{"certificateChain":5}', 1, "without a certificateChain"),
    ],
)
async def test_what_is_worth_another_try_is_tried_again(status: int, body: bytes, tries: int, why: str) -> None:
    async with web_server() as hook:
        hook.status, hook.body = status, body
        with pytest.raises(NotIssued, match=why):
            await ExternalCa(hook.url, b"shared", FakeClock(), waits_s=(0, 0)).issue("csr", "cp1", "SN-1")
        assert len(hook.posted) == tries
        assert len({posted.headers["idempotency-key"] for posted in hook.posted}) == 1


async def test_a_ca_that_is_not_there_is_told_of() -> None:
    async with web_server() as hook:
        url = hook.url
    with pytest.raises(NotIssued, match="can't be reached"):
        await ExternalCa(url, b"shared", FakeClock(), waits_s=(0,)).issue("csr", "cp1", "SN-1")


def test_the_secret_is_a_reference(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("shared\n")
    assert issuer_secret({"FWDCTL_STATION_ISSUER_SECRET": "shared"}) == b"shared"
    assert issuer_secret({"FWDCTL_STATION_ISSUER_SECRET_FILE": str(file)}) == b"shared"
    for environ in ({}, {"FWDCTL_STATION_ISSUER_SECRET_FILE": str(tmp_path / "none")}):
        with pytest.raises(FwdctlError):
            issuer_secret(environ)
    with pytest.raises(FwdctlError, match="no URL of a CA"):
        ExternalCa("develoment", b"shared", FakeClock())
