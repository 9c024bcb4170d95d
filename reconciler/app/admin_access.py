"""All that guards the admin API, put together: tokens, who shows them, sessions of browsers, the audit."""

from collections.abc import Callable

import msgspec

from reconciler.app.access_tokens import AccessTokens
from reconciler.app.api_audit import ApiAudit
from reconciler.app.browser_sessions import BrowserSessions
from reconciler.app.callers import Callers, IdentityProvider
from reconciler.app.ports import Clock
from reconciler.app.security_events import SecurityEvents
from reconciler.model.history import HistoryEvent


class AdminAccess(msgspec.Struct, frozen=True):
    """What the gate of the admin API is given."""

    tokens: AccessTokens
    callers: Callers
    sessions: BrowserSessions
    audit: ApiAudit
    security: SecurityEvents
    clock: Clock


def admin_access(
    tokens: AccessTokens,
    clock: Clock,
    *,
    server_token: str | None,
    new_secret: Callable[[], str],
    record: Callable[[HistoryEvent], None],
    security: SecurityEvents,
    provider: IdentityProvider | None = None,
) -> AdminAccess:
    """Return the guard; `server_token` None lets in whoever is on this machine, `record` writes into history."""
    callers = Callers(server_token, tokens, provider)
    sessions, audit = BrowserSessions(callers, clock, new_secret), ApiAudit(record, clock)
    return AdminAccess(tokens, callers, sessions, audit, security, clock)
