"""Certificates with the library: requests, dates and hashes."""

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import NameOID

from reconciler.adapters.certificate_office import CertificateOffice
from tests.integration.websocket.certificates import Authority, new_request

OFFICE = CertificateOffice()


def test_a_request_names_the_charger_and_its_operator_and_is_signed() -> None:
    key, request = new_request("SN-1", "My CPO")
    read = x509.load_pem_x509_csr(request)
    assert read.is_signature_valid
    assert read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "SN-1"
    assert read.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "My CPO"
    assert key != new_request("SN-1", "My CPO")[0]


def test_hashes_are_those_of_ocsp() -> None:
    for authority in (Authority("a"), Authority("b")):
        certificate = x509.load_pem_x509_certificate(authority.pem)
        ocsp = OCSPRequestBuilder().add_certificate(certificate, certificate, SHA256()).build()
        found = OFFICE.hash_data(authority.pem, "SHA256")
        assert found["issuerNameHash"] == ocsp.issuer_name_hash.hex()
        assert found["issuerKeyHash"] == ocsp.issuer_key_hash.hex()
        assert int(found["serialNumber"], 16) == ocsp.serial_number
        assert len(OFFICE.hash_data(authority.pem, "SHA512")["issuerKeyHash"]) == 2 * hashlib.sha512().digest_size


def test_when_a_chain_expires() -> None:
    now = datetime.now(UTC)
    certificate, _ = Authority("a").issue("SN-1", expires_in=timedelta(days=5))
    assert abs(OFFICE.expires_at(certificate) - now - timedelta(days=5)) < timedelta(minutes=1)


def test_a_root_that_is_not_valid_now_is_none() -> None:
    root = Authority("a").pem
    now = datetime.now(UTC)
    assert OFFICE.root_fault(root, now) == ""
    assert OFFICE.root_fault(root, now + timedelta(days=400)) == "it has expired"
    assert OFFICE.root_fault(root, now - timedelta(days=400)) == "it is not valid yet"
