"""Passwords as they are stored: plain, keyed hashes, argon2id; what is slow is asked once."""

import pytest

from reconciler.app import stored_passwords
from reconciler.app.stored_passwords import REMEMBERED_S, StoredPasswords, is_hash, keyed_hash
from reconciler.errors import SecretUnavailable
from tests.support.clock import FakeClock

KEY = b"the server's key"
WORD = b"correct horse:battery"
ARGON = b"$argon2id$..."


class Slow:
    """A slow hash that takes one password, and counts."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def verify(self, stored: bytes, given: bytes) -> bool:
        """Tell whether it is that one."""
        self.asked.append(given)
        return given == WORD


@pytest.mark.parametrize("raw", [WORD, bytes(range(200, 220)), b"0123456789abcdef0123"])
async def test_a_keyed_hash_is_met_by_its_password_in_plain_and_in_hex_and_by_nothing_else(raw: bytes) -> None:
    passwords = StoredPasswords(FakeClock(), KEY)
    stored = keyed_hash(raw, KEY, "salt").encode()
    assert is_hash(stored)
    assert raw not in stored
    for given in (raw, raw.hex().encode(), raw.hex().upper().encode()):
        assert await passwords.matches(given, stored)
    for given in (raw + b"x", raw[:-1], b"", stored):
        assert not await passwords.matches(given, stored)


async def test_a_keyed_hash_of_hex_digits_is_met_by_the_bytes_that_they_say() -> None:
    raw = bytes(range(200, 220))
    stored = keyed_hash(raw.hex().encode(), KEY, "salt").encode()
    assert await StoredPasswords(FakeClock(), KEY).matches(raw, stored)


async def test_a_keyed_hash_is_worth_nothing_with_another_key_and_trouble_without_one() -> None:
    stored = keyed_hash(WORD, KEY, "salt").encode()
    assert not await StoredPasswords(FakeClock(), b"another").matches(WORD, stored)
    with pytest.raises(SecretUnavailable, match="no password key"):
        await StoredPasswords(FakeClock()).matches(WORD, stored)


async def test_equal_passwords_have_different_hashes() -> None:
    assert keyed_hash(WORD, KEY, "one") != keyed_hash(WORD, KEY, "two")


async def test_what_was_worked_out_is_remembered_for_hours_and_what_was_wrong_is_not() -> None:
    clock, slow = FakeClock(), Slow()
    passwords = StoredPasswords(clock, None, slow)
    for _ in range(3):
        assert await passwords.matches(WORD, ARGON)
    assert slow.asked == [WORD]
    for _ in range(2):
        assert not await passwords.matches(b"wrong", ARGON)
    assert slow.asked.count(b"wrong") == 2
    assert await passwords.matches(WORD, ARGON + b"changed")
    assert len(slow.asked) == 6
    clock.advance(REMEMBERED_S)
    assert await passwords.matches(WORD, ARGON)
    assert len(slow.asked) == 7
    assert WORD not in repr(vars(passwords)).encode()


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_passwords, "REMEMBERED_MAX", 2)
    slow = Slow()
    passwords = StoredPasswords(FakeClock(), None, slow)
    for number in range(3):
        await passwords.matches(WORD, ARGON + bytes([number]))
    for number in (1, 2):
        await passwords.matches(WORD, ARGON + bytes([number]))
    assert len(slow.asked) == 3
    await passwords.matches(WORD, ARGON + b"\0")
    assert len(slow.asked) == 4


async def test_a_server_that_can_not_work_it_out_says_so() -> None:
    with pytest.raises(SecretUnavailable, match="argon2id"):
        await StoredPasswords(FakeClock()).matches(WORD, ARGON)


def test_a_password_is_no_hash() -> None:
    assert not is_hash(WORD)
