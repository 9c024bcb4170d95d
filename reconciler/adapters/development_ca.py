"""The embedded CA for stations: for development, tests and small sites; its key lies in the data directory."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from reconciler.app.ports import Clock
from reconciler.errors import FwdctlError

CERTIFICATE: Final = "station-ca.pem"
KEY: Final = "station-ca.key"
VALID: Final = timedelta(days=365)
_CA_VALID: Final = timedelta(days=3650)
_BACKDATED: Final = timedelta(minutes=5)
"""Stations' clocks are late."""


class DevelopmentCa:
    """Implements `CertificateAuthority` with a key of its own."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, clock: Clock) -> None:
        self._certificate = certificate
        self._key = key
        self._clock = clock

    @classmethod
    def open(cls, directory: Path, clock: Clock) -> "DevelopmentCa":
        """Return the CA of a directory, made where there is none; raises FwdctlError for a key that others may read."""
        certificate_file, key_file = directory / CERTIFICATE, directory / KEY
        if not key_file.exists():
            certificate, key = _new_authority(clock)
            _write(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
            _write(certificate_file, certificate.public_bytes(Encoding.PEM), 0o644)
        try:
            if key_file.stat().st_mode & 0o077:
                raise FwdctlError(
                    f"others than its owner may read the CA's key {key_file}", hint=f"chmod 600 {key_file}"
                )
            read = load_pem_private_key(key_file.read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise FwdctlError(
                f"the CA in {directory} can't be read: {type(error).__name__}",
                hint=f"restore {CERTIFICATE} and {KEY}, or remove both to have new ones made",
            ) from error
        if not isinstance(read, ec.EllipticCurvePrivateKey) or read.public_key() != certificate.public_key():
            raise FwdctlError(f"{certificate_file} and {key_file} do not belong to each other", hint="restore both")
        return cls(certificate, read, clock)

    async def issue(self, request: str, charger: str, serial: str) -> str:
        """Return the signed chain for a request that was checked."""
        return await asyncio.to_thread(self._sign, request)

    def _sign(self, request: str) -> str:
        asked, now = x509.load_pem_x509_csr(request.encode()), self._clock.now()
        public = asked.public_key()
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(self._certificate.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + VALID)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, SHA256())
        )
        return (certificate.public_bytes(Encoding.PEM) + self._certificate.public_bytes(Encoding.PEM)).decode()


def _new_authority(clock: Clock) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fwdctl development CA for charging stations")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _CA_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return certificate, key


def _write(file: Path, content: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as made:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
    except OSError as error:
        raise FwdctlError(f"the CA's {file} can't be written: {error.strerror}", hint="move it away") from error
