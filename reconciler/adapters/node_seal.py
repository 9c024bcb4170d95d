"""Seals what one node has another read: HPKE (RFC 9180), for a key pair that lives as long as its process.

So what stations are told, passwords and addresses of files among it, is in no database and no backup of one in the
clear, and no two servers need a key in common.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from reconciler.errors import Unsealable

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class NodeSeal:
    """Implements `app.errand_rows.NodeSealer`."""

    def __init__(self) -> None:
        self._key = X25519PrivateKey.generate()
        self.public_key: Final = self._key.public_key().public_bytes_raw()

    def seal(self, public_key: bytes, plain: bytes, about: str) -> bytes:
        """See NodeSealer."""
        return _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(public_key), info=about.encode())

    def unseal(self, sealed: bytes, about: str) -> bytes:
        """See NodeSealer."""
        try:
            return _SUITE.decrypt(sealed, self._key, info=about.encode())
        except (InvalidTag, ValueError):
            raise Unsealable(
                f"{about} was not sealed for this process", hint="it was started anew: try again"
            ) from None
