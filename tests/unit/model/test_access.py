"""Levels of access, and when a token holds."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.access import Access, AccessToken
from tests.support.clock import EPOCH

TOKEN = AccessToken("id", "ci", Access.VIEWER, "digest", EPOCH, "anna")


def test_each_level_may_what_the_ones_before_it_may() -> None:
    levels = list(Access)
    assert [[level.covers(other) for other in levels] for level in levels] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_a_token_holds_until_it_expires_or_is_revoked() -> None:
    assert TOKEN.holds_at(EPOCH + timedelta(days=10_000))
    expiring = replace(TOKEN, expires_at=EPOCH + timedelta(hours=1))
    assert expiring.holds_at(EPOCH + timedelta(minutes=59))
    assert not expiring.holds_at(EPOCH + timedelta(hours=1))
    assert not replace(TOKEN, revoked_at=EPOCH).holds_at(EPOCH)
