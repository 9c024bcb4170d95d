"""Throw-away certificates for TLS tests."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reconciler.adapters.certificate_office import CertificateOffice

_DAY = timedelta(days=1)


def new_request(common_name: str, organization: str) -> tuple[bytes, bytes]:
    """Return a new private key and a signing request for it, both PEM, as the relay makes them."""
    key = CertificateOffice().new_key()
    return key, CertificateOffice().request(key, common_name, organization)


class Authority:
    """A CA that signs whatever a test wants."""

    def __init__(self, name: str, *, signed_by: "Authority | None" = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self._certificate = (
            _builder(self._name, (signed_by or self)._name, self._key.public_key(), datetime.now(UTC) + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign((signed_by or self)._key, SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The CA's own certificate."""
        return self._certificate.public_bytes(Encoding.PEM)

    @property
    def itself(self) -> tuple[bytes, bytes]:
        """The CA's own certificate and private key (PEM), as a station that signs for itself would show them."""
        return self.pem, self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def issue(
        self, host: str, *, expires_in: timedelta = _DAY, organization: str = "", rsa_key: bool = False
    ) -> tuple[bytes, bytes]:
        """Return certificate and private key (PEM) for a DNS name or an address, or a serial number."""
        key = rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, host)]
        if organization:
            subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        name = x509.Name(subject)
        san = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(name, self._name, key.public_key(), datetime.now(UTC) + expires_in)
            .add_extension(x509.SubjectAlternativeName([san]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(aki, critical=False)
            .sign(self._key, SHA256())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return certificate.public_bytes(Encoding.PEM), pem

    def sign(self, request: str, *, expires_in: timedelta = _DAY) -> str:
        """Return a certificate (PEM) for a signing request (PEM), under its own subject."""
        asked = x509.load_pem_x509_csr(request.encode())
        assert asked.is_signature_valid
        key = asked.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
        builder = _builder(asked.subject, self._name, key, datetime.now(UTC) + expires_in)
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()

    def root(self, name: str) -> str:
        """Return another CA's certificate (PEM), signed by this one."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, self._name, key.public_key(), datetime.now(UTC) + _DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()

    def trusting(self) -> ssl.SSLContext:
        """Return a client's context that trusts this CA alone."""
        return ssl.create_default_context(cadata=self.pem.decode())

    def revoke(self, *certificates: bytes) -> bytes:
        """Return this CA's revocation list (PEM) with these certificates on it."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now - _DAY).next_update(now + _DAY)
        for certificate in certificates:
            number = x509.load_pem_x509_certificate(certificate).serial_number
            revoked = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now - _DAY).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    def server_files(self, directory: Path, host: str, *, rsa_key: bool = False) -> tuple[Path, Path]:
        """Write a server's certificate and key for `host`, and return their paths."""
        kind = "rsa" if rsa_key else "ecdsa"
        certificate, key = directory / f"{kind}.pem", directory / f"{kind}.key"
        pem, private = self.issue(host, rsa_key=rsa_key)
        certificate.write_bytes(pem)
        key.touch(mode=0o600)
        key.write_bytes(private)
        return certificate, key

    def server_context(
        self, directory: Path, host: str, *, expires_in: timedelta = _DAY, verify_clients: bool = False
    ) -> ssl.SSLContext:
        """Return a server's TLS context for `host`."""
        certificate, key = self.issue(host, expires_in=expires_in)
        path = directory / "server.pem"
        path.write_bytes(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if verify_clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.pem.decode())
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, expires: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - 30 * _DAY)
        .not_valid_after(expires)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
