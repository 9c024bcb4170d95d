"""Certificates with `cryptography`: what they say, whether they hold, and requests for new ones."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

_ALGORITHMS: Final = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}
RENEW_WITHIN: Final = timedelta(days=30)
RSA_BITS_MIN: Final = 2048
EC_BITS_MIN: Final = 224
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


class CertificateOffice:
    """Implements `Papers` and `RequestReader`, and makes requests; a ValueError is about what was given."""

    def new_key(self) -> bytes:
        """Return a new private key, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def request(self, private_key: bytes, common_name: str, organization: str) -> bytes:
        """Return a signing request for a key that this office has made, PEM."""
        key = load_pem_private_key(private_key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organization:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, SHA256())
        return request.public_bytes(Encoding.PEM)

    def expires_at(self, chain: bytes) -> datetime:
        """Return when the first certificate of a chain expires."""
        return _parsed(chain)[0].not_valid_after_utc

    def last_expires_at(self, bundle: bytes) -> datetime:
        """Return when the last certificate of a bundle expires."""
        return max(each.not_valid_after_utc for each in _parsed(bundle))

    def renew_at(self, chain: bytes) -> datetime:
        """Return when the first certificate of a chain is to be renewed: in its last third, in the last 30 days."""
        leaf = _parsed(chain)[0]
        begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        return ends - min(RENEW_WITHIN, (ends - begins) / 3)

    def request_fault(self, request: str, common_name: str, organization: str) -> str:
        """Return why a request is not to be signed, "" where it is."""
        try:
            asked = x509.load_pem_x509_csr(request.encode())
            key, is_signed = asked.public_key(), asked.is_signature_valid
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return "it can't be read"
        if not is_signed:
            return "it is not signed by its own key"
        if isinstance(key, rsa.RSAPublicKey):
            smallest = RSA_BITS_MIN
        elif isinstance(key, ec.EllipticCurvePublicKey):
            smallest = EC_BITS_MIN
        else:
            return "its key is neither RSA nor EC"
        if key.key_size < smallest:
            return f"its key has {key.key_size} bits, at least {smallest} are needed"
        return _subject_fault(asked.subject, common_name, organization)

    def chain_fault(self, chain: bytes, private_key: bytes, common_name: str, now: datetime) -> str:
        """Return why a signed chain is not what was asked for, "" where it is."""
        certificates = _parsed(chain)
        leaf = certificates[0]
        if _key_bytes(leaf) != load_pem_private_key(private_key, None).public_key().public_bytes(*_DER):
            return "it is for another key"
        names = [str(name.value) for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if names != [common_name]:
            return f"its CN is not {common_name}"
        for certificate, issuer in pairwise(certificates):
            if not _issued(certificate, issuer):
                return "its chain does not hold"
        return next((fault for fault in (_date_fault(each, now) for each in certificates) if fault), "")

    def root_fault(self, root: bytes, now: datetime) -> str:
        """Return why this can't be a root, "" where it can."""
        certificates = _parsed(root)
        if len(certificates) != 1:
            return "it is more than one certificate"
        try:
            is_ca = certificates[0].extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_ca = False
        return _date_fault(certificates[0], now) if is_ca else "it is not of a CA"

    def is_issued_by(self, certificate: bytes, authorities: bytes) -> bool:
        """Tell whether one of these CAs signed a certificate."""
        (one,) = _parsed(certificate)
        return any(_issued(one, authority) for authority in _parsed(authorities))

    def split(self, bundle: bytes) -> tuple[bytes, ...]:
        """Return the certificates of a bundle, one by one, as PEM; () where there is none."""
        return tuple(each.public_bytes(Encoding.PEM) for each in _parsed(bundle)) if _BEGIN in bundle else ()

    def hash_data(self, root: bytes, algorithm: str) -> Mapping[str, str]:
        """Return CertificateHashDataType of a self-signed certificate; the serial number without leading zeros."""
        digest = _ALGORITHMS.get(algorithm)
        if digest is None:
            raise ValueError(f"{algorithm} is no hash algorithm of OCPP")
        (certificate,) = _parsed(root)
        return {
            "hashAlgorithm": algorithm,
            "issuerNameHash": digest(certificate.issuer.public_bytes()).hexdigest(),
            "issuerKeyHash": digest(_bit_string(_key_bytes(certificate))).hexdigest(),
            "serialNumber": f"{certificate.serial_number:x}",
        }


def _subject_fault(subject: x509.Name, common_name: str, organization: str) -> str:
    names = [str(name.value) for name in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = [str(name.value) for name in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if names != [common_name]:
        return f"its CN is not {common_name}"
    return f"its O is not {organization}" if organization and organizations != [organization] else ""


_DER: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _parsed(pem: bytes) -> Sequence[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem)


def _key_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(*_DER)


def _bit_string(info: bytes) -> bytes:
    """Return the key's own bits: what follows the algorithm in SubjectPublicKeyInfo, as RFC 6960 hashes it."""

    def header(at: int) -> tuple[int, int]:
        length = info[at + 1]
        if length < 0x80:
            return at + 2, length
        size = length & 0x7F
        return at + 2 + size, int.from_bytes(info[at + 2 : at + 2 + size], "big")

    inner, _ = header(0)
    algorithm, algorithm_length = header(inner)
    bits, length = header(algorithm + algorithm_length)
    return info[bits + 1 : bits + length]


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _date_fault(certificate: x509.Certificate, now: datetime) -> str:
    at = now.astimezone(UTC)
    if at < certificate.not_valid_before_utc:
        return "it is not valid yet"
    return "it has expired" if at > certificate.not_valid_after_utc else ""
