"""Signing in with an access token, and out again."""

from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from reconciler.adapters.console.pages import Pages

TOKEN_MAX: Final = 20_000
"""Tokens of identity providers are long; what is longer is none."""


def add_login_routes(console: FastAPI, pages: Pages) -> None:
    """Add them; they are open to everybody."""

    @console.get("/login")
    async def ask(request: Request) -> HTMLResponse:
        return pages.page(request, "login.html", fault="")

    @console.post("/login")
    async def enter(request: Request) -> Response:
        form = await request.form()
        given = str(form.get("token", "")).strip()
        cookie = await pages.door.enter(request, given) if 0 < len(given) <= TOKEN_MAX else None
        if cookie is None:
            fault = "This token does not hold: it is mistyped, expired or revoked."
            return pages.page(request, "login.html", 401, fault=fault)
        answer = pages.redirect(request, "/")
        answer.headers.append("set-cookie", cookie)
        return answer

    @console.post("/logout")
    async def leave(request: Request) -> RedirectResponse:
        answer = pages.redirect(request, "/login")
        answer.headers.append("set-cookie", pages.door.leave(request))
        return answer
