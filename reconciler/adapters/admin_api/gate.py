"""The gate of the admin API: who may come in at all, before any route is looked at."""

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.adapters.admin_api.browser_policy import (
    LOGIN_PATH,
    READING,
    cookie_of,
    forged,
    is_open,
    is_same_origin,
    security_headers,
    wants_login_page,
)
from reconciler.adapters.admin_api.error_answers import error_response, unexpected
from reconciler.adapters.admin_api.request_limits import BODY_WITHIN_S, RequestLimits, oversize
from reconciler.app.admin_access import AdminAccess
from reconciler.app.api_audit import ApiCall
from reconciler.app.callers import ANYBODY, THIS_MACHINE
from reconciler.app.ports import Metrics
from reconciler.errors import NotAllowed, NotAuthorised
from reconciler.model.access import Caller

HEALTH_PATH: Final = "/healthz"
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
ASKS_WITHOUT_CHANGING: Final = frozenset({"/v1/plan", "/v1/rollbacks/plan"})
"""POST for the sake of their bodies."""

SUSPICIOUS: Final[Mapping[int, str]] = {401: "admin-login-failed", 403: "admin-not-allowed", 429: "too-many-failures"}

_log = structlog.get_logger(__name__)


class _Visit(msgspec.Struct, frozen=True):
    """A request as its head says it."""

    method: str
    path: str
    scheme: str
    remote: str
    headers: Mapping[str, str]

    @property
    def bearer(self) -> str:
        """The token that was given, or whatever else was in its place; "" for nothing."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Gate:
    """ASGI middleware: who calls, from which page, how often, how much; the audit; an answer to what nobody expected.

    Where the server has a token of its own, every path needs a token or a session but /healthz and the login page.
    Without (loopback only) a request must come under a loopback name and from no foreign web page: else a page whose
    name was rebound to 127.0.0.1 would be as good as a program on this machine. A token that is given is always
    checked, and counts; a cookie is looked at where there is none.
    """

    def __init__(self, app: ASGIApp, *, access: AdminAccess, metrics: Metrics) -> None:
        self._app = app
        self._access = access
        self._metrics = metrics
        self._limits = RequestLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through to the application, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _visit(scope)
        answering = _Answering(send, security_headers(visit.path, visit.scheme))
        caller, refusal = await self._caller(visit)
        refusal = refusal or (oversize(visit.headers) if caller is not None else None)
        call = ApiCall(caller or ANYBODY, visit.method, visit.path, visit.remote)
        CURRENT_CALL.set(call)
        if refusal is not None:
            await refusal(scope, receive, answering)
        else:
            try:
                await self._app(scope, _in_time(receive), answering)
            except Exception as error:  # noqa: BLE001 - the one place that answers for what nobody expected
                answer = unexpected(error, visit.path)
                if not answering.status:  # else the answer has begun, and nothing can be added to it
                    await answer(scope, receive, answering)
        self._concluded(scope, call, answering.status, known=caller is not None)

    async def _caller(self, visit: _Visit) -> tuple[Caller | None, Response | None]:
        """Return who calls, or why nobody is let in."""
        now_s = self._access.clock.monotonic_s()
        caller, refusal = await self._recognised(visit)
        if caller is None:
            return None, self._limits.of_stranger(visit.remote, now_s) or refusal
        too_many = self._limits.of_caller(caller.name, visit.remote, now_s)
        return (None, too_many) if too_many is not None else (caller, None)

    async def _recognised(self, visit: _Visit) -> tuple[Caller | None, Response]:
        """Return who calls, with the answer to give where that is nobody."""
        callers, sessions = self._access.callers, self._access.sessions
        if visit.bearer:
            return await callers.recognise(visit.bearer), _not_known("wrong token")
        session = sessions.recognise(cookie_of(visit.headers, visit.scheme))
        if session is not None and not is_open(visit.path):
            why = forged(visit.method, visit.path, visit.headers, session)
            return None if why else session.caller, _forbidden(why)
        local = _is_local(visit.headers)
        if (visit.path == HEALTH_PATH or is_open(visit.path)) and (callers.asks_everybody or local):
            return ANYBODY, _not_known("")
        if not callers.asks_everybody:
            return THIS_MACHINE if local else None, _not_local()
        return None, _to_login() if wants_login_page(visit.method, visit.path, visit.headers) else _not_known("")

    def _concluded(self, scope: Scope, call: ApiCall, status: int, *, known: bool) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.count("api_requests", route=route, status=str(status))
        if status in SUSPICIOUS:
            detail = f"{call.caller.name}: {call.method} {call.path}" if known else f"{call.method} {call.path}"
            self._access.security.happened(SUSPICIOUS[status], remote=call.remote, detail=detail)
        if call.method in READING or call.path in ASKS_WITHOUT_CHANGING or route == "none":
            return
        _log.info("admin API", caller=call.caller.name, method=call.method, path=call.path, status=status)
        if known:
            self._access.audit.answered(call, status)


class _Answering:
    """A `send` that adds headers to the answer, and knows its status: 0 until it begins."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = _with_headers(message, self._headers)
        await self._send(message)


def _with_headers(message: MutableMapping[str, Any], added: list[tuple[bytes, bytes]]) -> Message:
    """Return the start of an answer with these headers too, except those that it has itself."""
    own = message.get("headers", [])
    named = {name.lower() for name, _ in own}
    return {**message, "headers": [*own, *((name, value) for name, value in added if name not in named)]}


def _in_time(receive: Receive) -> Receive:
    """Return a `receive` that takes a body that is not there in time for a client that went away."""
    ends_at = asyncio.get_running_loop().time() + BODY_WITHIN_S
    whole = False

    async def received() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            message = {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return received


def _visit(scope: Scope) -> _Visit:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host, port = scope.get("client") or ("unknown", 0)
    remote = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _Visit(scope["method"], scope["path"], scope.get("scheme", "http"), remote, headers)


def _not_known(summary: str) -> JSONResponse:
    hint = "give a token that holds: --token or FWDCTL_TOKEN"
    return error_response(NotAuthorised(summary or "a token is needed", hint=hint))


def _forbidden(summary: str) -> JSONResponse:
    return error_response(NotAllowed(summary, hint="send the session's csrf_token, see GET /v1/session"))


def _not_local() -> JSONResponse:
    return error_response(
        NotAuthorised(
            "without a token this server answers only requests to a loopback name",
            hint="use http://127.0.0.1:PORT, or start the server with FWDCTL_ADMIN_TOKEN",
        ),
        status=403,
    )


def _to_login() -> RedirectResponse:
    return RedirectResponse(LOGIN_PATH, status_code=303)


def _is_local(headers: Mapping[str, str]) -> bool:
    return _host_name(headers.get("host", "")) in LOOPBACK_NAMES and is_same_origin(headers)


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
