"""Tokens: given once, recognised until they end, and nowhere kept as they are."""

import asyncio
import itertools

import pytest

from reconciler.app import access_tokens
from reconciler.app.access_tokens import AccessTokens
from reconciler.errors import FwdctlError, UnknownAddress
from reconciler.model.access import Access, AccessToken
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


async def test_what_another_node_gives_and_takes_counts_here_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "REFRESH_S", 0.0)
    here, there = Desk(), Desk()
    there.store = there.tokens._store = here.store  # type: ignore[assignment]
    text, token = await there.tokens.create("ci", Access.VIEWER, None, "anna")
    assert here.tokens.recognise(text) is None
    refreshing = asyncio.ensure_future(here.tokens.run())
    for _ in range(10):  # turns of the event loop
        await asyncio.sleep(0)
    assert here.tokens.recognise(text) is not None
    await there.tokens.revoke(token.id, "anna")
    for _ in range(10):
        await asyncio.sleep(0)
    assert here.tokens.recognise(text) is None
    refreshing.cancel()


async def test_a_token_that_is_given_while_the_kept_ones_are_read_is_not_forgotten() -> None:
    desk = Desk()
    given: list[str] = []

    class Slow(KeptTokens):
        async def tokens(self) -> tuple[AccessToken, ...]:
            text, _ = await desk.tokens.create("ci", Access.VIEWER, None, "anna")
            given.append(text)
            return ()

    desk.tokens._store = Slow()
    await desk.tokens.load()
    assert desk.tokens.recognise(given[0]) is not None


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
    _, one = await desk.tokens.create("one", Access.VIEWER, None, "anna")
    with pytest.raises(FwdctlError, match="1 tokens already"):
        await desk.tokens.create("two", Access.VIEWER, None, "anna")
    await desk.tokens.revoke(one.id, "anna")
    await desk.tokens.create("two", Access.VIEWER, None, "anna")
