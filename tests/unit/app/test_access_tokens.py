"""Tokens: given once, recognised until they end, and nowhere kept as they are."""

import itertools

import pytest

from reconciler.app import access_tokens
from reconciler.app.access_tokens import AccessTokens
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.model.access import Access
from tests.support.clock import FakeClock
from tests.support.token_store import KeptTokens


class Desk:
    """The use case with all that it was given."""

    def __init__(self, store: KeptTokens | None = None) -> None:
        self.store, self.clock, counter = store or KeptTokens(), FakeClock(), itertools.count(1)
        self.tokens = AccessTokens(
            self.store, self.clock, lambda: f"id{next(counter)}", lambda: f"secret-{next(counter)}"
        )


async def test_a_token_is_recognised_until_it_expires() -> None:
    desk = Desk()
    text, token = await desk.tokens.create("ci", Access.OPERATOR, 3600, "anna")
    assert text.startswith("fwdctl_secret-")
    assert desk.tokens.recognise(text) == token
    assert desk.tokens.recognise(text + "x") is None
    assert desk.tokens.recognise("") is None
    assert desk.tokens.recognise("\udc80") is None
    desk.clock.advance(3600)
    assert desk.tokens.recognise(text) is None


async def test_a_revoked_token_is_recognised_no_longer_and_revoking_again_changes_nothing() -> None:
    desk = Desk()
    text, token = await desk.tokens.create("ci", Access.VIEWER, None, "anna")
    revoked = await desk.tokens.revoke(token.id, "bob")
    assert desk.tokens.recognise(text) is None
    desk.clock.advance(5)
    assert await desk.tokens.revoke(token.id, "bob") == revoked
    assert [(event.kind, event.actor) for event in desk.store.events] == [
        ("token-created", "anna"),
        ("token-revoked", "bob"),
    ]
    with pytest.raises(UnknownAddress, match="'none'"):
        await desk.tokens.revoke("none", "bob")


async def test_what_is_kept_is_enough_after_a_restart_and_holds_no_token() -> None:
    desk = Desk()
    text, token = await desk.tokens.create("ci", Access.VIEWER, None, "anna")
    assert text not in repr(desk.store.kept) + repr(desk.store.events)
    again = Desk(desk.store)
    assert again.tokens.recognise(text) is None
    await again.tokens.load()
    assert again.tokens.recognise(text) == token
    assert again.tokens.tokens() == (token,)


async def test_a_token_for_some_chargers_keeps_their_labels_and_is_no_admin_s() -> None:
    desk = Desk()
    _, token = await desk.tokens.create("depot", Access.OPERATOR, None, "anna", {"site": "a"})
    assert token.select == {"site": "a"}
    with pytest.raises(FwdctlError, match="whole site"):
        await desk.tokens.create("depot", Access.ADMIN, None, "anna", {"site": "a"})


async def test_the_number_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "TOKENS_MAX", 1)
    desk = Desk()
    await desk.tokens.create("one", Access.VIEWER, None, "anna")
    with pytest.raises(FwdctlError, match="1 tokens already"):
        await desk.tokens.create("two", Access.VIEWER, None, "anna")
