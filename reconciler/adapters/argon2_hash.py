"""argon2id of passwords that people chose, through argon2-cffi: on threads of its own, a few at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from reconciler.errors import SecretUnavailable

AT_ONCE: Final = 2
WAITING_MAX: Final = 100
MEMORY_KIB_MAX: Final = 128 * 1024
"""A stored hash names its own costs; one that would eat the machine is refused."""

_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The least that OWASP recommends: some 25 ms."""


class Argon2Hash:
    """Implements `app.stored_passwords.SlowHash`."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._waiting = 0

    async def verify(self, stored: bytes, given: bytes) -> bool:
        """Tell whether `given` is the password; raises SecretUnavailable for too many, and for what is no hash."""
        if self._waiting >= WAITING_MAX:
            raise SecretUnavailable("too many passwords are being worked out", hint="stations come back by themselves")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _verified, stored.decode(), given)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def argon2_hash(password: bytes) -> str:
    """Return what to store of a password that somebody chose."""
    return _hasher.hash(password)


def _verified(stored: str, given: bytes) -> bool:
    try:
        if _memory_kib(stored) > MEMORY_KIB_MAX:
            raise SecretUnavailable(f"an argon2id hash asks for more than {MEMORY_KIB_MAX // 1024} MiB")
        return _hasher.verify(stored, given)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError) as error:
        raise SecretUnavailable("a stored password begins as an argon2id hash and is none") from error


def _memory_kib(stored: str) -> int:
    costs = dict(part.partition("=")[::2] for part in stored.split("$")[3].split(",")) if stored.count("$") > 3 else {}
    return int(costs.get("m", "0")) if costs.get("m", "0").isdecimal() else 0
