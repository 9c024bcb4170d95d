"""The server's encryption keys: AES-256-GCM, the first key encrypts, all of them decrypt.

    sealed = version | key id | nonce | ciphertext and tag        associated data: whose it is
      bytes     1         4      12

GCM rather than Fernet because it authenticates associated data: a row that was moved to another charger or back-end
does not open. A random nonce is safe for 2^32 encryptions with one key, and each order of a back-end is one.
"""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reconciler.errors import FwdctlError, Unsealable

ENV_NAME: Final = "FWDCTL_ENCRYPTION_KEY"
FILE_NAME: Final = "encryption-key"
KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = 1 + _ID_BYTES + _NONCE_BYTES


class KeyRing:
    """Implements `app.sealing.Sealer`."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._first = keys[0]
        self._keys = {_key_id(key): key for key in keys}

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """Return the keys of a text, one a line, base64 of 32 bytes; raises FwdctlError that names `where`."""
        lines = [line.strip() for line in text.split() if line.strip()]
        try:
            keys = [b64decode(line, validate=True) for line in lines]
        except (NotBase64, ValueError):
            keys = []
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise FwdctlError(
                f"{where} holds no encryption keys",
                hint="one a line, the newest first, each of 32 random bytes in base64: openssl rand -base64 32",
            ) from None
        return cls(keys)

    def seal(self, plain: bytes, about: str) -> bytes:
        """Return `plain` encrypted by the first key, to be opened for the same `about` only."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + _key_id(self._first) + nonce + AESGCM(self._first).encrypt(nonce, plain, about.encode())

    def unseal(self, sealed: bytes, about: str) -> bytes:
        """Return what was sealed; raises Unsealable."""
        key_id, nonce = sealed[1 : 1 + _ID_BYTES], sealed[1 + _ID_BYTES : _HEAD_BYTES]
        key = self._keys.get(key_id)
        if sealed[:1] != _VERSION or len(sealed) < _HEAD_BYTES:
            raise Unsealable(f"what is stored of {about} is damaged", hint="restore the database from a backup")
        if key is None:
            raise Unsealable(
                f"what is stored of {about} was encrypted with key {key_id.hex()}, which this server does not have",
                hint="add that key as another line of --encryption-key-file",
            )
        try:
            return AESGCM(key).decrypt(nonce, sealed[_HEAD_BYTES:], about.encode())
        except InvalidTag:
            raise Unsealable(
                f"what is stored of {about} was changed, or belongs to another leg", hint="restore it from a backup"
            ) from None

    def derived(self, purpose: str) -> bytes:
        """Return a key for another purpose than sealing, derived from the first one; of 32 bytes."""
        return hmac.new(self._first, b"derived\0" + purpose.encode(), hashlib.sha256).digest()

    def is_old(self, sealed: bytes) -> bool:
        """Tell whether another than the first key sealed this."""
        return sealed[1 : 1 + _ID_BYTES] != _key_id(self._first)

    def fingerprint(self, value: bytes) -> str:
        """Return eight hexadecimal digits that tell one secret from another to whoever compares them."""
        return hmac.new(self._first, b"fingerprint\0" + value, hashlib.sha256).hexdigest()[:8]


def load_key_ring(
    file: Path | None, environ: Mapping[str, str], directory: Path, *, shared_store: bool
) -> KeyRing | None:
    """Return the server's keys: of FWDCTL_ENCRYPTION_KEY, of `file`, or of `directory`/encryption-key.

    The last one is made where it is missing, unless the store is shared: nodes that each made their own could not read
    each other's. Then there are none. Raises FwdctlError for a key that others may read, or that is none.
    """
    if (text := environ.get(ENV_NAME)) is not None:
        return KeyRing.parse(text, f"the variable {ENV_NAME}")
    own = directory / FILE_NAME
    if file is None and not own.exists():
        if shared_store:
            return None
        _make(own)
    return KeyRing.parse(_read(file or own), str(file or own))


def _read(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o077:
            raise FwdctlError(f"others than its owner may read the encryption key {file}", hint=f"chmod 600 {file}")
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise FwdctlError(
            f"the encryption key {file} can't be read: {reason}", hint="correct --encryption-key-file"
        ) from error


def _make(file: Path) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
        made.write(b64encode(os.urandom(KEY_BYTES)) + b"\n")
        made.flush()
        os.fsync(made.fileno())


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id\0" + key).digest()[:_ID_BYTES]
