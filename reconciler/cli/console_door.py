"""The console's door: who is behind a request, and how a browser comes in and goes, as the admin API's gate has it."""

from starlette.requests import Request

from reconciler.adapters.admin_api.acting import CURRENT_CALL, acting
from reconciler.adapters.admin_api.browser_policy import cookie_of, session_cookie
from reconciler.adapters.console.visitor import Visitor
from reconciler.app.admin_access import AdminAccess
from reconciler.app.browser_sessions import LASTS


class ConsoleDoor:
    """Implements the console's `Door` over the gate."""

    def __init__(self, access: AdminAccess) -> None:
        self._access = access

    def visitor(self, request: Request) -> Visitor:
        """Return who makes a request that the gate has let in."""
        caller = CURRENT_CALL.get().caller
        signed_in = self._access.sessions.recognise(_cookie(request)) is not None
        name = caller.name if caller.proven else ""
        return Visitor(caller.access, name, signed_in=signed_in, select=caller.select)

    def acting(self, claim: str) -> str:
        """Return whom history is to name."""
        return acting(claim)

    async def enter(self, request: Request, token: str) -> str | None:
        """Return the Set-Cookie header of a new session, None where the token does not hold."""
        caller = await self._access.callers.recognise(token)
        if caller is None:
            return None
        cookie, _ = self._access.sessions.begin(caller)
        return session_cookie(request.url.scheme, cookie, int(LASTS.total_seconds()))

    def leave(self, request: Request) -> str:
        """End the session, and return the Set-Cookie header that takes its cookie away."""
        self._access.sessions.end(_cookie(request))
        return session_cookie(request.url.scheme, "", 0)


def _cookie(request: Request) -> str:
    return cookie_of(request.headers, request.url.scheme)
