"""Sessions of browsers: a token, shown once, becomes a cookie that scripts can't read, and a word against forgers.

A browser sends cookies along with whatever any page makes it ask for. So a change that is asked for with the cookie
needs the session's CSRF token besides, which only our own pages can read.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from reconciler.app.callers import Callers
from reconciler.app.ports import Clock
from reconciler.model.access import Caller

IDLE_MAX: Final = timedelta(hours=1)
LASTS: Final = timedelta(hours=12)
SESSIONS_MAX: Final = 1000


@dataclass(slots=True)
class BrowserSession:
    """One browser that logged in; `csrf_token` goes with every change that it asks for."""

    caller: Caller
    csrf_token: str = field(repr=False)
    ends_at: datetime
    seen_at: datetime


class BrowserSessions:
    """Begins, recognises and ends sessions; in memory, so a restart of the server asks for the token again.

    `new_secret` returns 256 random bits as text. Only digests of cookies are kept.
    """

    def __init__(self, callers: Callers, clock: Clock, new_secret: Callable[[], str]) -> None:
        self._callers = callers
        self._clock = clock
        self._new_secret = new_secret
        self._sessions: OrderedDict[str, BrowserSession] = OrderedDict()  # whoever was seen longest ago first

    def begin(self, caller: Caller) -> tuple[str, BrowserSession]:
        """Return the cookie's value, which is nowhere kept, and the session; past the bound the idlest one ends."""
        cookie, now = self._new_secret(), self._clock.now()
        ends_at = min(now + LASTS, caller.expires_at or datetime.max.replace(tzinfo=now.tzinfo))
        session = BrowserSession(caller, self._new_secret(), ends_at, now)
        self._sessions[_digest(cookie)] = session
        if len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return cookie, session

    def recognise(self, cookie: str) -> BrowserSession | None:
        """Return the session of a cookie, None where there is none that holds now.

        One ends with what began it: a token that is revoked takes its sessions along.
        """
        digest, now = _digest(cookie), self._clock.now()
        session = self._sessions.get(digest)
        if session is None:
            return None
        if now >= session.ends_at or now - session.seen_at >= IDLE_MAX or not self._holds(session, now):
            del self._sessions[digest]
            return None
        session.seen_at = now
        self._sessions.move_to_end(digest)
        return session

    def end(self, cookie: str) -> None:
        """End the session of a cookie; harmless when repeated."""
        self._sessions.pop(_digest(cookie), None)

    def _holds(self, session: BrowserSession, now: datetime) -> bool:
        return self._callers.still_holds(session.caller, now)


def is_csrf_token(session: BrowserSession, given: str) -> bool:
    """Tell whether a request came with the session's CSRF token."""
    return hmac.compare_digest(session.csrf_token.encode(), given.encode(errors="surrogateescape"))


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode(errors="surrogateescape")).hexdigest()
