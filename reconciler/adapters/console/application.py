"""The console as one ASGI application: its pages, static files, and an answer in plain words to whatever goes wrong."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog
from fastapi import Depends, FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler import __version__
from reconciler.adapters.console.charger_routes import add_charger_routes
from reconciler.adapters.console.fleet_routes import add_fleet_routes
from reconciler.adapters.console.history_routes import add_history_routes
from reconciler.adapters.console.load_routes import add_load_routes
from reconciler.adapters.console.login_routes import add_login_routes
from reconciler.adapters.console.message_routes import add_message_routes
from reconciler.adapters.console.operation_routes import add_operation_routes
from reconciler.adapters.console.outage_routes import add_outage_routes
from reconciler.adapters.console.pages import HEADERS, HERE, YEAR_S, Pages
from reconciler.adapters.console.plan_routes import add_plan_routes
from reconciler.adapters.console.stand_in_routes import add_stand_in_routes
from reconciler.adapters.console.streams import Streams
from reconciler.adapters.console.toggle_routes import add_toggle_routes
from reconciler.adapters.console.visitor import Door, Forms
from reconciler.app.api_contract import http_status
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.job_files import JobFiles
from reconciler.app.message_counts import MessageCounts
from reconciler.app.message_tap import Tap
from reconciler.app.operations import Operations
from reconciler.app.ports import Clock
from reconciler.app.reconciler import Reconciler
from reconciler.errors import FwdctlError, InvalidSpecs, NotAllowed

TITLES: Final = {401: "Please sign in", 403: "Not allowed", 404: "Not found", 405: "Not found", 409: "Not now"}

WITHIN_REACH: Final = frozenset({"/", "/stream", "/login", "/logout", "/theme"})
"""Pages for everybody, which show no more than the chargers that a visitor may see."""

_log = structlog.get_logger(__name__)


class ConsoleParts(msgspec.Struct, frozen=True):
    """What the console is given."""

    reconciler: Reconciler
    runs: ApplyRuns
    board: FleetBoard
    messages: Tap
    counts: MessageCounts
    operations: Operations
    files: JobFiles
    clock: Clock
    door: Door


def build_console(parts: ConsoleParts) -> FastAPI:
    """Return the console, to be mounted at / behind the gate."""
    pages = Pages(parts.clock, parts.door, Forms(), __version__)
    streams = Streams(parts.board)
    console = FastAPI(
        title="fwdctl console",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(pages.forms.check), Depends(_within_reach(parts.reconciler, pages))],
    )
    console.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    add_fleet_routes(console, parts.reconciler, parts.board, parts.counts, pages, streams)
    add_charger_routes(console, parts.reconciler, parts.board, parts.counts, pages, streams)
    add_message_routes(console, parts.messages, parts.board, pages, streams)
    add_operation_routes(console, parts.reconciler, parts.operations, parts.files, parts.board, pages, streams)
    add_toggle_routes(console, parts.reconciler, pages)
    add_stand_in_routes(console, parts.reconciler.failovers, pages, streams)
    add_outage_routes(console, parts.reconciler, parts.board, pages)
    add_load_routes(console, parts.reconciler, pages, streams)
    add_history_routes(console, parts.reconciler, parts.runs, parts.board, pages, streams)
    add_plan_routes(console, parts.reconciler, parts.runs, pages)
    add_login_routes(console, pages)

    async def refused(request: Request, error: Exception) -> HTMLResponse:
        assert isinstance(error, FwdctlError)
        return _told(pages, request, error)

    async def no_such_page(request: Request, error: Exception) -> HTMLResponse:
        assert isinstance(error, HTTPException)
        told = FwdctlError(
            f"there is no page {request.url.path}", hint="the list of chargers is a good place to go on from"
        )
        return _told(pages, request, told, error.status_code)

    console.add_exception_handler(FwdctlError, refused)
    console.add_exception_handler(HTTPException, no_such_page)
    console.add_middleware(_Safe, pages=pages)
    return console


def _within_reach(reconciler: Reconciler, pages: Pages) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that refuses a visitor whose token is for other chargers than the page is about."""

    async def check(request: Request) -> None:
        labels = pages.visitor(request).select
        path = getattr(request.scope.get("route"), "path", "")
        if not labels or path in WITHIN_REACH:
            return
        if not path.startswith("/chargers/{name}"):
            told = ", ".join(f"{label}={value}" for label, value in labels.items())
            raise NotAllowed(
                f"your token is for chargers with {told}, and this page is about all of them",
                hint="sign in with a token made without --select",
            )
        await reconciler.reach.check_chargers([request.path_params["name"]], labels)

    return check


class _Safe:
    """ASGI middleware: the headers of every answer, and a page for what nobody expected."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def safe_send(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/static/") and message["status"] in (200, 304):
                    headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
            await send(message)

        try:
            await self._app(scope, receive, safe_send)
        except Exception as error:  # noqa: BLE001 - the one place that answers a browser for what nobody expected
            reference = secrets.token_hex(4)
            _log.error("unexpected error in the console", reference=reference, path=scope["path"], exc_info=error)
            if not begun:
                told = FwdctlError(
                    f"the server failed unexpectedly (reference {reference})",
                    hint="its log has the details under that reference; try once more, then tell who runs the server",
                )
                await _told(self._pages, Request(scope, receive), told, 500)(scope, receive, safe_send)


def _told(pages: Pages, request: Request, error: FwdctlError, status: int | None = None) -> HTMLResponse:
    code = status or http_status(error)
    findings = error.diagnostics if isinstance(error, InvalidSpecs) else ()
    title = TITLES.get(code, "That did not work")
    return pages.page(request, "error.html", code, error=error, findings=findings, title=title)
