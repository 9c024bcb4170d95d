"""The gate of the admin API: who may come in at all, before any route is looked at."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.app import api_contract
from reconciler.app.ports import Metrics
from reconciler.errors import FwdctlError, NotAuthorised

MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""The specs of some 100 000 chargers; what is larger is refused unread."""

OPEN_PATHS: Final = frozenset({"/healthz"})
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_log = structlog.get_logger(__name__)


class Gate:
    """ASGI middleware: the token, the Host header, the size of a request, and an answer to what nobody expected.

    With a token every path but /healthz needs it. Without one (loopback only) a request must come under a
    loopback name and from no foreign web page: else a page whose name was rebound to 127.0.0.1 would be as
    good as a program on this machine.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, metrics: Metrics) -> None:
        self._app = app
        self._token = token
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
        refusal = self._refusal(scope["path"], headers)
        if refusal is not None:
            await refusal(scope, receive, counting_send)
        else:
            try:
                await self._app(scope, receive, counting_send)
            except Exception as error:  # noqa: BLE001 - the one place that answers for what nobody expected
                await _answer_unexpected(error, scope, receive, counting_send if not status else None)
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.count("api_requests", route=route, status=str(status))

    def _refusal(self, path: str, headers: Mapping[str, str]) -> JSONResponse | None:
        if self._token is not None:
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if path not in OPEN_PATHS and not hmac.compare_digest(given.encode(), self._token.encode()):
                hint = "give the server's token: --token or FWDCTL_TOKEN"
                return error_response(NotAuthorised("a token is needed" if not given else "wrong token", hint=hint))
        elif not _is_local(headers):
            return error_response(
                NotAuthorised(
                    "without a token this server answers only requests to a loopback name",
                    hint="use http://127.0.0.1:PORT, or start the server with FWDCTL_ADMIN_TOKEN",
                ),
                status=403,
            )
        return _oversize(headers)


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
