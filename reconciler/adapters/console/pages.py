"""Pages: templates with everything that all of them need, and the headers that keep them safe."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from fastapi import Request
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from reconciler.adapters.console import wording
from reconciler.adapters.console.visitor import NAME_COOKIE, VISIT_COOKIE, Door, Forms, Visitor, name_given
from reconciler.app.ports import Clock
from reconciler.errors import NotAllowed
from reconciler.model.access import Access
from reconciler.model.desired import LOCAL

HERE: Final = Path(__file__).parent
HUES: Final = 8
"""Colours that the stylesheet has for back-ends."""
NAVIGATION: Final = (
    ("/", "Chargers", "charger"),
    ("/outages", "Outages", "calendar"),
    ("/load", "Load", "load"),
    ("/changes", "Changes", "changes"),
    ("/history", "History", "history"),
)
"""Address, word and picture of what the top of every page leads to."""
THEMES: Final = ("auto", "light", "dark")
THEME_COOKIE: Final = "fwdctl-theme"
YEAR_S: Final = 365 * 24 * 3600

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Pages:
    """Renders templates for a visitor."""

    def __init__(self, clock: Clock, door: Door, forms: Forms, version: str) -> None:
        self.forms = forms
        self._clock = clock
        self.door = door
        self._version = version
        self._environment = environment()

    def now(self) -> datetime:
        """Return the time."""
        return self._clock.now()

    def visitor(self, request: Request) -> Visitor:
        """Return who makes this request."""
        return self.door.visitor(request)

    def require(self, request: Request, needed: Access) -> Visitor:
        """Return the visitor; raises NotAllowed where they may not do what `needed` may."""
        visitor = self.visitor(request)
        if not visitor.may(needed):
            raise NotAllowed(
                f"your token is for a {visitor.access}, and this needs {needed} access",
                hint=f"sign in with a token made with: fwdctl token create --access {needed}",
            )
        return visitor

    def actor(self, request: Request, given: object) -> str:
        """Return whom history is to name; `given` is the name typed, needed where nobody was proven."""
        return self.door.acting(name_given(self.visitor(request), given))

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """Return a whole page."""
        answer = HTMLResponse(self._environment.get_template(template).render(self._with(request, context)), status)
        self._keep_visit(request, answer)
        return answer

    def fragment(self, request: Request, template: str, **context: Any) -> str:
        """Return a piece of a page that shows the rest already."""
        return self._environment.get_template(f"fragments/{template}").render(self._with(request, context))

    def redirect(self, request: Request, to: str) -> RedirectResponse:
        """Return the answer that ends a form: look there."""
        answer = RedirectResponse(to, 303)
        self._keep_visit(request, answer)
        return answer

    def _with(self, request: Request, context: Mapping[str, Any]) -> dict[str, Any]:
        visitor = self.visitor(request)
        theme = request.cookies.get(THEME_COOKIE, "auto")
        return {
            "visitor": visitor,
            "may": visitor.may,
            "why_not": visitor.why_not,
            "proof": self.forms.proof(request),
            "theme": theme if theme in THEMES else "auto",
            "given_name": visitor.name or request.cookies.get(NAME_COOKIE, ""),
            "here": request.url.path,
            "query": request.url.query,
            "now": self._clock.now(),
            "version": self._version,
            **context,
        }

    def _keep_visit(self, request: Request, answer: Response) -> None:
        if VISIT_COOKIE not in request.cookies:
            visit = self.forms.visit(request)
            answer.set_cookie(VISIT_COOKIE, visit, httponly=True, samesite="strict", secure=_is_https(request))


@cache
def environment() -> jinja2.Environment:
    """Return the templates, compiled once; everything that they print is escaped, and what is missing is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    hues = {LOCAL: 0}

    def hue(backend: str) -> int:
        """Return the number of a back-end's colour: the same on every page, local's always the first."""
        return hues.setdefault(backend, 1 + (len(hues) - 1) % (HUES - 1))

    made.globals.update(asset=asset, Access=Access, wording=wording, navigation=NAVIGATION, hue=hue)
    made.filters.update(instant=instant, duration=wording.duration, fromtime=from_epoch)
    return made


def keep_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    """Have the browser remember a choice for a year."""
    answer.set_cookie(name, value, max_age=YEAR_S, httponly=True, samesite="strict", secure=_is_https(request))


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"


def instant(moment: datetime, form: str = "minute") -> Markup:
    """Return a time in UTC that the page shows in the reader's own zone; `form` is minute, second or day."""
    utc = moment.astimezone(UTC)
    shown = {"minute": f"{utc:%Y-%m-%d %H:%M} UTC", "second": f"{utc:%H:%M:%S} UTC", "day": f"{utc:%a %d %b %Y}"}[form]
    iso = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" data-local="{}">{}</time>').format(iso, form, shown)


def from_epoch(seconds: float) -> datetime:
    """Return seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


@cache
def asset(name: str) -> str:
    """Return the URL of a static file; it changes with the file, so browsers may keep it for ever."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return str(escape(f"/static/{name}?v={digest}"))
