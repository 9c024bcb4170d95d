"""What a station's client certificate says: its subject, and who issued it."""

import ssl
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID


class ShownCertificate(msgspec.Struct, frozen=True):
    """Implements `app.legs.StationCertificate`; TLS has verified the chain, so only its contents are looked at."""

    certificate: x509.Certificate

    @property
    def common_name(self) -> str:
        """The subject's CN, "" where it has none or several: nobody is to choose among names."""
        names = self._subject(NameOID.COMMON_NAME)
        return names[0] if len(names) == 1 else ""

    @property
    def organizations(self) -> tuple[str, ...]:
        """The subject's O."""
        return self._subject(NameOID.ORGANIZATION_NAME)

    @property
    def expires_at(self) -> datetime:
        """When it expires."""
        return self.certificate.not_valid_after_utc

    def issued_by(self, authorities: bytes) -> bool:
        """Tell whether one of these CA certificates (PEM) issued it; raises ValueError where they can't be read."""
        return any(self._issued_by(authority) for authority in x509.load_pem_x509_certificates(authorities))

    def _issued_by(self, authority: x509.Certificate) -> bool:
        try:
            self.certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _subject(self, attribute: x509.ObjectIdentifier) -> tuple[str, ...]:
        return tuple(str(name.value) for name in self.certificate.subject.get_attributes_for_oid(attribute))


def shown_certificate(connection: ssl.SSLObject) -> ShownCertificate | None:
    """Return the certificate that the other end showed; None where it showed none, or one that can't be read."""
    encoded = connection.getpeercert(binary_form=True)
    if encoded is None:
        return None
    try:
        return ShownCertificate(x509.load_der_x509_certificate(encoded))
    except ValueError:
        return None
