"""What browsers are told and held to: security headers, the session's cookie, and who may ask for a change with it.

How a page of ours logs in and stays in:

1. `POST /v1/session` with `Authorization: Bearer TOKEN` sets the cookie (HttpOnly, SameSite=Strict, Secure over TLS)
   and answers `csrf_token`, the caller's `name`, `access` and `expires_at`. Keep the token nowhere.
2. From then on the cookie is enough to read. `GET /v1/session` answers the same again, after a reload of the page.
3. A change (any method but GET, HEAD, OPTIONS) needs the header `X-CSRF-Token: csrf_token` besides. The console's forms
   work without JavaScript and can't send one: each has a proof of its own in it, which the console checks.
4. `POST /v1/session/end` ends it. A session ends by itself when idle, and with the token that began it.

The console is every path that is not the API's. A page without a session is sent to `LOGIN_PATH`; that page and what
is below `STATIC_PATH` are open to everybody. No answer ever allows another origin (CORS): pages of ours come from
here. The content policy allows no inline script or style. Where the server asks for no token
(loopback) a page needs none of this.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from reconciler.app.browser_sessions import BrowserSession, is_csrf_token

API_PATHS: Final = ("/v1/", "/healthz/", "/metrics/", "/openapi.json/")
LOGIN_PATH: Final = "/login"
STATIC_PATH: Final = "/static/"
CSRF_HEADER: Final = "x-csrf-token"
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'; img-src 'self' data:",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HSTS: Final = "max-age=31536000"


def security_headers(path: str, scheme: str) -> dict[str, str]:
    """Return the headers of every answer; nothing is cached but what is below `STATIC_PATH`."""
    headers = dict(SECURITY_HEADERS)
    if not path.startswith(STATIC_PATH):
        headers["cache-control"] = "no-store"
    if scheme == "https":
        headers["strict-transport-security"] = HSTS
    return headers


def cookie_name(scheme: str) -> str:
    """Return the cookie's name; the prefix makes browsers hold it to TLS, this host and the whole site."""
    return "__Host-fwdctl" if scheme == "https" else "fwdctl"


def session_cookie(scheme: str, value: str, max_age_s: int) -> str:
    """Return the Set-Cookie header; an age of 0 takes the cookie away."""
    secure = "; Secure" if scheme == "https" else ""
    return f"{cookie_name(scheme)}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"


def cookie_of(headers: Mapping[str, str], scheme: str) -> str:
    """Return the session's cookie, "" where there is none."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    morsel = cookies.get(cookie_name(scheme))
    return morsel.value if morsel is not None else ""


def forged(method: str, path: str, headers: Mapping[str, str], session: BrowserSession) -> str:
    """Return why a request with a session's cookie may not be our own page's, "" where it is."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return "another site's page asked for this"
    if not is_same_origin(headers):
        return "a page of another origin asked for this"
    if method not in READING and not is_console(path) and not is_csrf_token(session, headers.get(CSRF_HEADER, "")):
        return "a change asked for with a cookie needs the session's CSRF token in X-CSRF-Token"
    return ""


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Tell whether a request comes from no page, or from one of this server."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def is_console(path: str) -> bool:
    """Tell whether a path is a page's rather than the API's."""
    return not f"{path}/".startswith(API_PATHS)


def is_open(path: str) -> bool:
    """Tell whether everybody may fetch this path of the console."""
    return path == LOGIN_PATH or path.startswith(STATIC_PATH)


def wants_login_page(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a stranger is a browser on its way to a page of ours."""
    return method == "GET" and is_console(path) and "text/html" in headers.get("accept", "")
