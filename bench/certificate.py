"""The certificates that contestants show stations: self-signed, for one run."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

CERTIFICATE: Final = "relay.pem"
KEY: Final = "relay.key"
BOTH: Final = "relay.both"
"""Certificate and key in one file, as HAProxy wants them."""


def write_certificate(place: Path, *, rsa_key: bool = False) -> None:
    """Write `place`.pem with the certificate, `place`.key, and `place`.both; ECDSA P-256, or RSA."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())
    if rsa_key:
        key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.fromtimestamp(time.time(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    shown = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for ending, content in ((".pem", shown), (".key", secret), (".both", shown + secret)):
        file = place.with_suffix(ending)
        file.touch(0o600)
        file.write_bytes(content)
