"""Stations' passwords as secrets hold them: the password itself, a keyed hash of a random one, argon2id of any other.

A keyed hash costs a microsecond, so thousands of stations may come back at once; it is as good as the password is
random, which `fwdctl password generate` sees to. argon2id is for passwords that people chose: it costs some 25 ms and
is worked out elsewhere, a few at a time; what matched is remembered, under a key that dies with the process.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Protocol

from reconciler.app.ports import Clock
from reconciler.errors import SecretUnavailable

KEYED: Final = b"$hmac-sha256$"
ARGON2ID: Final = b"$argon2id$"
REMEMBERED_S: Final = 12 * 3600.0
REMEMBERED_MAX: Final = 20_000


class SlowHash(Protocol):
    """Verifies argon2id hashes without keeping the event loop."""

    async def verify(self, stored: bytes, given: bytes) -> bool:
        """Tell whether `given` is the password; raises SecretUnavailable where too many wait already."""


class StoredPasswords:
    """Compares given passwords with stored ones; `key` is the server's for keyed hashes, None where it has none."""

    def __init__(self, clock: Clock, key: bytes | None = None, slow: SlowHash | None = None) -> None:
        self._clock = clock
        self._key = key
        self._slow = slow
        self._own_key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, float] = OrderedDict()  # oldest first

    async def matches(self, given: bytes, stored: bytes) -> bool:
        """Tell whether a station gave the stored password, in its plain or in its hex form (OCPP 1.6, 6.2.2).

        Raises SecretUnavailable where a hash can't be looked at: no key, or too many are being worked out.
        """
        if stored.startswith(KEYED):
            return self._matches_keyed(given, stored)
        if stored.startswith(ARGON2ID):
            return await self._matches_slow(given, stored)
        return _same(given, stored)

    def _matches_keyed(self, given: bytes, stored: bytes) -> bool:
        if self._key is None:
            raise SecretUnavailable("a stored password is a keyed hash, and this server has no password key")
        salt, _, digest = stored[len(KEYED) :].partition(b"$")
        matches = False
        for form in _forms(given):
            matches |= hmac.compare_digest(_keyed_digest(self._key, salt, form), digest)
        return matches

    async def _matches_slow(self, given: bytes, stored: bytes) -> bool:
        if self._slow is None:
            raise SecretUnavailable("a stored password is an argon2id hash, and this server can't verify one")
        now_s = self._clock.monotonic_s()
        known = hmac.digest(self._own_key, stored + b"\0" + given, hashlib.sha256)
        if now_s - self._remembered.get(known, -REMEMBERED_S) < REMEMBERED_S:
            return True
        for form in _forms(given):
            if await self._slow.verify(stored, form):
                self._remembered[known] = now_s
                self._remembered.move_to_end(known)
                if len(self._remembered) > REMEMBERED_MAX:
                    self._remembered.popitem(last=False)
                return True
        return False


def keyed_hash(password: bytes, key: bytes, salt: str) -> str:
    """Return what to store of a random password of at least 128 bits; `salt` is random text without `$`."""
    return f"{KEYED.decode()}{salt}${_keyed_digest(key, salt.encode(), password).decode()}"


def is_hash(stored: bytes) -> bool:
    """Tell whether this is a hash, from which nobody gets the password to show it to a back-end."""
    return stored.startswith((KEYED, ARGON2ID))


def _keyed_digest(key: bytes, salt: bytes, password: bytes) -> bytes:
    return hmac.new(key, salt + b"$" + password, hashlib.sha256).hexdigest().encode()


def _forms(given: bytes) -> Iterator[bytes]:
    """Yield what the password may be: as given; what its hex digits say; the hex digits of its bytes."""
    yield given
    try:
        yield bytes.fromhex(given.decode())
    except ValueError:
        yield given.hex().encode()


def _same(given: bytes, expected: bytes) -> bool:
    """Compare all forms always, so that the time taken tells nothing."""
    plain = hmac.compare_digest(given, expected)
    as_hex = hmac.compare_digest(given.lower(), expected.hex().encode())
    try:
        of_hex = hmac.compare_digest(given, bytes.fromhex(expected.decode()))
    except ValueError:
        of_hex = False
    return plain | as_hex | of_hex
