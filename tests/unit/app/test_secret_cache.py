"""Secrets are read once for many stations, not for long, and not too many are kept."""

import pytest

from reconciler.app import secret_cache
from reconciler.app.secret_cache import KEPT_S, SecretCache
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import SecretRef
from tests.support.clock import FakeClock

REF = SecretRef("file", "password")


class Counting:
    """Secrets that count how often they are read."""

    def __init__(self) -> None:
        self.value: bytes | None = b"one"
        self.reads = 0

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return the value."""
        self.reads += 1
        if self.value is None:
            raise SecretUnavailable("gone")
        return self.value + identity.encode()


def test_a_secret_is_read_once_while_it_is_fresh_and_per_identity() -> None:
    secrets, clock = Counting(), FakeClock()
    cache = SecretCache(secrets, clock)
    assert [cache.resolve(REF, "A") for _ in range(3)] == [b"oneA"] * 3
    assert cache.resolve(REF, "B") == b"oneB"
    assert secrets.reads == 2
    clock.advance(KEPT_S)
    secrets.value = b"two"
    assert cache.resolve(REF, "A") == b"twoA"


def test_a_change_is_seen_at_once_by_who_asks_anew() -> None:
    secrets = Counting()
    cache = SecretCache(secrets, FakeClock())
    cache.resolve(REF)
    secrets.value = b"two"
    assert (cache.resolve(REF), cache.resolve_anew(REF), cache.resolve(REF)) == (b"one", b"two", b"two")


def test_what_does_not_resolve_is_not_kept() -> None:
    secrets = Counting()
    cache = SecretCache(secrets, FakeClock())
    cache.resolve(REF)
    secrets.value = None
    with pytest.raises(SecretUnavailable):
        cache.resolve_anew(REF)
    with pytest.raises(SecretUnavailable):
        cache.resolve(REF)


def test_the_number_of_kept_secrets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_cache, "KEPT_MAX", 3)
    cache = SecretCache(Counting(), FakeClock())
    for number in range(10):
        cache.resolve(REF, str(number))
    assert len(cache._kept) == 3
