"""Id tokens that owners accepted: remembered per site or charger, for a while, and never in the clear."""

from datetime import UTC, datetime, timedelta

from reconciler.local import known_tokens
from reconciler.local.known_tokens import KnownTokens

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def test_an_accepted_token_is_known_whatever_its_case() -> None:
    tokens = KnownTokens(b"key")
    assert not tokens.knows("site/north", "Tag-1", NOW)
    tokens.accepted("site/north", "Tag-1", NOW)
    assert tokens.knows("site/north", "TAG-1", NOW)
    assert not tokens.knows("site/north", "TAG-2", NOW)


def test_a_token_is_known_where_it_was_accepted_and_nowhere_else() -> None:
    tokens = KnownTokens(b"key")
    tokens.accepted("charger/a", "T", NOW)
    assert not tokens.knows("charger/b", "T", NOW)
    assert not tokens.knows("charger/", "aT", NOW)


def test_a_token_is_known_for_thirty_days_after_it_was_accepted_last() -> None:
    tokens = KnownTokens(b"key")
    tokens.accepted("s", "T", NOW)
    assert tokens.knows("s", "T", NOW + timedelta(days=30))
    assert not tokens.knows("s", "T", NOW + timedelta(days=30, seconds=1))
    tokens.accepted("s", "T", NOW + timedelta(days=20))
    assert tokens.knows("s", "T", NOW + timedelta(days=50))


def test_past_the_bound_the_one_accepted_longest_ago_is_forgotten() -> None:
    bound = known_tokens._TOKENS_MAX
    tokens = KnownTokens(b"key")
    for number in range(bound):
        tokens.accepted("s", str(number), NOW)
    tokens.accepted("s", "0", NOW)  # anew, so that 1 is the oldest
    tokens.accepted("s", "one more", NOW)
    assert tokens.knows("s", "0", NOW)
    assert not tokens.knows("s", "1", NOW)
    assert tokens.knows("s", "2", NOW)


def test_a_token_is_nowhere_in_memory() -> None:
    tokens = KnownTokens(b"key")
    tokens.accepted("s", "TAG-IN-THE-CLEAR", NOW)
    assert "IN-THE-CLEAR" not in str({name: getattr(tokens, name) for name in KnownTokens.__slots__})


def test_digests_differ_from_key_to_key() -> None:
    one, other = KnownTokens(b"one"), KnownTokens(b"other")
    assert one._digest("s", "T") != other._digest("s", "T")
