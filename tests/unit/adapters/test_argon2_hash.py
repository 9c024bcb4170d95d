"""argon2id: right and wrong passwords, hashes that are none or cost too much, and no more than so many at once."""

import asyncio

import pytest

from reconciler.adapters import argon2_hash
from reconciler.adapters.argon2_hash import Argon2Hash
from reconciler.errors import SecretUnavailable

STORED = argon2_hash.argon2_hash(b"correct horse").encode()


async def test_the_password_is_told_from_others() -> None:
    slow = Argon2Hash()
    assert STORED.startswith(b"$argon2id$")
    assert await slow.verify(STORED, b"correct horse")
    assert not await slow.verify(STORED, b"correct hors")
    slow.close()


@pytest.mark.parametrize(
    "stored",
    [b"$argon2id$", b"$argon2id$v=19$m=19456,t=2,p=1$!!$!!", STORED.replace(b"m=19456", b"m=99999999")],
    ids=["empty", "no base64", "too costly"],  # a salt in an id would be another one in each process
)
async def test_what_is_no_hash_or_costs_too_much_is_the_server_s_trouble(stored: bytes) -> None:
    slow = Argon2Hash()
    with pytest.raises(SecretUnavailable):
        await slow.verify(stored, b"correct horse")
    slow.close()


async def test_no_more_than_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2_hash, "WAITING_MAX", 2)
    slow = Argon2Hash()
    found = await asyncio.gather(*(slow.verify(STORED, b"correct horse") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [bool, bool, SecretUnavailable]
    slow.close()
