"""The routes of browsers' sessions; `browser_policy` says how a page uses them."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.adapters.admin_api.browser_policy import cookie_of, session_cookie
from reconciler.app.browser_sessions import IDLE_MAX, BrowserSession, BrowserSessions
from reconciler.model.access import Caller


def add_session_routes(router: APIRouter, sessions: BrowserSessions) -> None:
    """Add /session."""

    @router.post("/session")
    async def log_in(request: Request) -> JSONResponse:
        caller, scheme = CURRENT_CALL.get().caller, request.url.scheme
        cookie, session = sessions.begin(caller)
        answer = answers.answer(201, **_told(caller, session))
        answer.headers["set-cookie"] = session_cookie(scheme, cookie, int(IDLE_MAX.total_seconds()) * 12)
        return answer

    @router.get("/session")
    async def who_am_i(request: Request) -> JSONResponse:
        caller = CURRENT_CALL.get().caller
        return answers.answer(**_told(caller, sessions.recognise(_cookie(request))))

    @router.post("/session/end")
    async def log_out(request: Request) -> JSONResponse:
        sessions.end(_cookie(request))
        answer = answers.answer(ended=True)
        answer.headers["set-cookie"] = session_cookie(request.url.scheme, "", 0)
        return answer


def _cookie(request: Request) -> str:
    return cookie_of(request.headers, request.url.scheme)


def _told(caller: Caller, session: BrowserSession | None) -> dict[str, Any]:
    return {
        "name": caller.name,
        "access": caller.access.value,
        "select": dict(caller.select),
        "csrf_token": session.csrf_token if session is not None else None,
        "expires_at": answers.instant(session.ends_at) if session is not None else None,
    }
