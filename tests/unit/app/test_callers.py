"""Who shows a bearer token: the server's own, one that it gave, one of an identity provider, or nobody."""

from datetime import timedelta

from reconciler.app.access_tokens import AccessTokens
from reconciler.app.callers import SERVER_TOKEN, Callers
from reconciler.model.access import Access, Caller
from tests.support.clock import FakeClock
from tests.support.token_store import KeptTokens


class Provider:
    """An identity provider that knows one token."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def recognise(self, text: str) -> Caller | None:
        """Return ann for hers."""
        self.asked.append(text)
        return Caller("ann", Access.OPERATOR) if text == "hers" else None


async def test_each_token_is_recognised_as_what_it_is() -> None:
    clock, provider = FakeClock(), Provider()
    tokens = AccessTokens(KeptTokens(), clock, lambda: "1", lambda: "secret")
    callers = Callers("the server's", tokens, provider)
    text, token = await tokens.create("ci", Access.TECHNICIAN, 60, "test", {"site": "a"})
    assert await callers.recognise("the server's") == Caller(SERVER_TOKEN, Access.ADMIN)
    assert await callers.recognise(text) == Caller("ci", Access.TECHNICIAN, "1", token.expires_at, select={"site": "a"})
    assert provider.asked == []
    assert await callers.recognise("hers") == Caller("ann", Access.OPERATOR)
    assert await callers.recognise("nobody's") is None
    assert await callers.recognise("\udc80") is None


async def test_a_server_without_a_token_or_a_provider_recognises_what_it_gave_only() -> None:
    callers = Callers(None, AccessTokens(KeptTokens(), FakeClock(), lambda: "1", lambda: "secret"))
    assert not callers.asks_everybody
    assert await callers.recognise("") is None
    assert await callers.recognise("None") is None


async def test_what_was_shown_holds_until_it_ends_or_is_taken_back() -> None:
    clock = FakeClock()
    tokens = AccessTokens(KeptTokens(), clock, iter("12").__next__, iter("ab").__next__)
    callers = Callers("the server's", tokens)
    text, _ = await tokens.create("ci", Access.VIEWER, 60, "test")
    other, _ = await tokens.create("cd", Access.VIEWER, None, "test")
    first, second = await callers.recognise(text), await callers.recognise(other)
    assert first is not None
    assert second is not None
    assert callers.still_holds(first, clock.now())
    await tokens.revoke("2", "test")
    assert not callers.still_holds(second, clock.now())
    clock.advance(60)
    assert not callers.still_holds(first, clock.now())
    theirs = Caller("ann", Access.VIEWER, expires_at=clock.now() + timedelta(seconds=1))
    assert callers.still_holds(theirs, clock.now())
    assert not callers.still_holds(theirs, clock.now() + timedelta(seconds=1))
