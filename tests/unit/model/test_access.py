"""Levels of access, and when a token holds."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.model.access import Access, AccessToken, Caller
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


def test_history_names_the_proven_caller_with_the_claim_beside() -> None:
    ci = Caller("ci", Access.OPERATOR)
    assert ci.acting("") == "ci"
    assert ci.acting("ci") == "ci"
    assert ci.acting(" ann@laptop\x00\n") == "ci (says ann@laptop)"
    assert len(ci.acting("a" * 10_000)) < 300


def test_where_nothing_was_proven_the_claim_is_all_there_is() -> None:
    somebody = Caller("this machine", Access.ADMIN, proven=False)
    assert somebody.acting("ann@laptop") == "ann@laptop"
    assert somebody.acting("") == "this machine"
