"""The gate of the admin API: who may come in at all, before any route is looked at."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.adapters.admin_api.access_rules import ACCESS_KEY
from reconciler.app import api_contract
from reconciler.app.access_tokens import AccessTokens
from reconciler.app.ports import Metrics
from reconciler.errors import FwdctlError, NotAuthorised
from reconciler.model.access import Access

MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""The specs of some 100 000 chargers; what is larger is refused unread."""

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS: Final = frozenset({"/healthz"})
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_log = structlog.get_logger(__name__)


class Gate:
    """ASGI middleware: the token, the Host header, the size of a request, and an answer to what nobody expected.

    `token` is the server's own, with all access; `tokens` are those it gave. With a token of its own every path but
    /healthz needs one of them. Without (loopback only) a request must come under a loopback name and from no foreign
    web page: else a page whose name was rebound to 127.0.0.1 would be as good as a program on this machine. A token
    that is given is always checked, and counts.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, tokens: AccessTokens, metrics: Metrics) -> None:
        self._app = app
        self._token = token
        self._tokens = tokens
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through to the application, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def counting_send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        access, who = self._caller(scope["path"], headers)
        refusal = _oversize(headers) if access is not None else self._stranger(headers)
        scope[ACCESS_KEY] = access
        if refusal is not None:
            await refusal(scope, receive, counting_send)
        else:
            try:
                await self._app(scope, receive, counting_send)
            except Exception as error:  # noqa: BLE001 - the one place that answers for what nobody expected
                await _answer_unexpected(error, scope, receive, counting_send if not status else None)
        route = getattr(scope.get("route"), "path", "none")
        if scope["method"] not in READING and route != "none":
            _log.info("admin API", caller=who, method=scope["method"], path=scope["path"], status=status)
        self._metrics.count("api_requests", route=route, status=str(status))

    def _caller(self, path: str, headers: Mapping[str, str]) -> tuple[Access | None, str]:
        """Return what the caller may do, None where it may not come in, and who it is."""
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if given and self._token is not None and hmac.compare_digest(given.encode(), self._token.encode()):
            return Access.ADMIN, "server token"
        if given and (token := self._tokens.recognise(given)) is not None:
            return token.access, f"token {token.id}"
        if path in OPEN_PATHS and (self._token is not None or _is_local(headers)):
            return Access.VIEWER, "anybody"
        if given or self._token is not None or not _is_local(headers):
            return None, "nobody"
        return Access.ADMIN, "this machine"

    def _stranger(self, headers: Mapping[str, str]) -> JSONResponse:
        """Return the answer to somebody who may not come in."""
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if given or self._token is not None:
            hint = "give a token that holds: --token or FWDCTL_TOKEN"
            return error_response(NotAuthorised("a token is needed" if not given else "wrong token", hint=hint))
        return error_response(
            NotAuthorised(
                "without a token this server answers only requests to a loopback name",
                hint="use http://127.0.0.1:PORT, or start the server with FWDCTL_ADMIN_TOKEN",
            ),
            status=403,
        )


def error_response(error: FwdctlError, status: int | None = None) -> JSONResponse:
    """Return the answer that tells a client of `error`; its status is the contract's unless given."""
    return JSONResponse(api_contract.error_to_json(error), status or api_contract.http_status(error))


def _is_local(headers: Mapping[str, str]) -> bool:
    if _host_name(headers.get("host", "")) not in LOOPBACK_NAMES:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers["host"]


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _oversize(headers: Mapping[str, str]) -> JSONResponse | None:
    if "transfer-encoding" in headers:
        return error_response(FwdctlError("a request must say its length", hint="send Content-Length"), status=411)
    if int(headers.get("content-length", "0")) > MAX_REQUEST_BYTES:
        summary = f"the request is larger than {MAX_REQUEST_BYTES // 2**20} MiB"
        return error_response(FwdctlError(summary, hint="split the specs over several applies"), status=413)
    return None


async def _answer_unexpected(error: Exception, scope: Scope, receive: Receive, send: Send | None) -> None:
    """Log everything under a fresh reference, and tell the client only the reference."""
    reference = secrets.token_hex(4)
    _log.error("unexpected error in the admin API", reference=reference, path=scope["path"], exc_info=error)
    if send is None:  # the answer has begun, nothing can be added to it
        return
    told = FwdctlError(
        f"the server failed unexpectedly (reference {reference})",
        hint="the server's log has the details under that reference",
    )
    await error_response(told, status=500)(scope, receive, send)
