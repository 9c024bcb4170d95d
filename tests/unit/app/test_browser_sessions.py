"""Sessions of browsers: begun with a token, recognised by a cookie, ended by time, by hand or with the token."""

import itertools

import pytest

from reconciler.app import browser_sessions
from reconciler.app.access_tokens import AccessTokens
from reconciler.app.browser_sessions import IDLE_MAX, LASTS, BrowserSessions, is_csrf_token
from reconciler.app.callers import Callers
from reconciler.model.access import Access, Caller
from tests.support.clock import FakeClock
from tests.support.token_store import KeptTokens

ANN = Caller("ann", Access.OPERATOR)


class Browsers:
    """The sessions with all that they were given."""

    def __init__(self) -> None:
        counter = itertools.count(1)
        self.clock = FakeClock()
        self.tokens = AccessTokens(KeptTokens(), self.clock, lambda: "1", lambda: "secret")
        self.callers = Callers(None, self.tokens)
        self.sessions = BrowserSessions(self.callers, self.clock, lambda: f"secret-{next(counter)}")


def test_a_cookie_is_recognised_and_another_is_not() -> None:
    sessions = Browsers().sessions
    cookie, session = sessions.begin(ANN)
    assert sessions.recognise(cookie) is session
    assert sessions.recognise(cookie + "x") is None
    assert sessions.recognise("") is None
    assert session.caller == ANN
    assert is_csrf_token(session, session.csrf_token)
    assert not is_csrf_token(session, "")
    assert not is_csrf_token(session, cookie)
    assert session.csrf_token not in repr(session)


def test_a_session_ends_when_idle_and_after_a_day_s_work_however_busy() -> None:
    browsers = Browsers()
    idle, _ = browsers.sessions.begin(ANN)
    busy, _ = browsers.sessions.begin(ANN)
    hours = int(LASTS / IDLE_MAX)
    for _ in range(2 * hours - 1):
        browsers.clock.advance(IDLE_MAX.total_seconds() / 2)
        assert browsers.sessions.recognise(busy) is not None
    assert browsers.sessions.recognise(idle) is None
    browsers.clock.advance(IDLE_MAX.total_seconds() / 2)
    assert browsers.sessions.recognise(busy) is None


def test_a_session_ends_by_hand() -> None:
    sessions = Browsers().sessions
    cookie, _ = sessions.begin(ANN)
    sessions.end(cookie)
    sessions.end(cookie)
    assert sessions.recognise(cookie) is None


async def test_a_session_ends_with_its_token() -> None:
    browsers = Browsers()
    text, _ = await browsers.tokens.create("ci", Access.VIEWER, 60, "test")
    caller = await browsers.callers.recognise(text)
    assert caller is not None
    first, _ = browsers.sessions.begin(caller)
    second, session = browsers.sessions.begin(caller)
    assert session.ends_at == caller.expires_at
    await browsers.tokens.revoke("1", "test")
    assert browsers.sessions.recognise(first) is None
    assert browsers.sessions.recognise(second) is None


def test_the_number_of_sessions_is_bounded_and_the_idlest_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_sessions, "SESSIONS_MAX", 2)
    sessions = Browsers().sessions
    first, second = sessions.begin(ANN)[0], sessions.begin(ANN)[0]
    sessions.recognise(first)
    third, _ = sessions.begin(ANN)
    assert [sessions.recognise(cookie) is not None for cookie in (first, second, third)] == [True, False, True]
