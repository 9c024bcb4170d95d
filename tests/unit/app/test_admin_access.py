"""The parts that guard the admin API are put together: a token begins a session, a call is written down."""

from reconciler.app.access_tokens import AccessTokens
from reconciler.app.admin_access import admin_access
from reconciler.app.api_audit import ApiCall
from reconciler.app.security_events import SecurityEvents
from reconciler.model.history import HistoryEvent
from tests.support.clock import FakeClock
from tests.support.relay import Tally
from tests.support.token_store import KeptTokens


async def test_the_parts_work_together() -> None:
    clock, events = FakeClock(), list[HistoryEvent]()
    tokens = AccessTokens(KeptTokens(), clock, lambda: "1", lambda: "secret")
    security = SecurityEvents(events.append, Tally(), lambda event, **fields: None, clock)
    access = admin_access(
        tokens,
        clock,
        server_token="root",
        new_secret=iter(["cookie", "csrf"]).__next__,
        record=events.append,
        security=security,
    )
    caller = await access.callers.recognise("root")
    assert caller is not None
    cookie, _ = access.sessions.begin(caller)
    session = access.sessions.recognise(cookie)
    assert session is not None
    access.audit.answered(ApiCall(session.caller, "POST", "/v1/lock/break", "127.0.0.1:1"), 200)
    assert [event.actor for event in events] == ["server token"]
