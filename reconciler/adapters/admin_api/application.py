"""The admin API as one ASGI application: routes, the gate before them, every failure in the contract's form."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler import __version__
from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.access_rules import check_access, check_reach
from reconciler.adapters.admin_api.browser_policy import is_console
from reconciler.adapters.admin_api.error_answers import error_response
from reconciler.adapters.admin_api.gate import Gate
from reconciler.adapters.admin_api.routes import build_routes
from reconciler.app.admin_access import AdminAccess
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.bulk_operations import BulkOperations
from reconciler.app.job_files import JobFiles
from reconciler.app.operations import Operations
from reconciler.app.plan_seal import PlanSeal
from reconciler.app.ports import Metrics
from reconciler.app.reconciler import Reconciler
from reconciler.errors import FwdctlError

METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PROBLEMS_NAMED = 5


def build_application(
    reconciler: Reconciler,
    runs: ApplyRuns,
    *,
    metrics: Metrics,
    exposition: Callable[[], Awaitable[bytes]],
    access: AdminAccess,
    operations: Operations,
    bulk: BulkOperations,
    files: JobFiles,
    seal: PlanSeal,
    console: ASGIApp | None = None,
) -> FastAPI:
    """Return the application; `access` guards it, see `gate.Gate`.

    Further routes belong into the router whose routes are taken here, and into `access_rules.NEEDED`: what is mounted
    as an application of its own would be checked by the gate alone, and not for its level. Such is `console`, which
    answers every path that is not the API's and checks levels itself.
    """
    checks = [Depends(check_access), Depends(check_reach(reconciler.reach))]
    api = FastAPI(
        title="fwdctl admin API",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        dependencies=checks,
    )
    # As they are: those of an included router are all made once more when the first request comes.
    routes = build_routes(reconciler, runs, access, operations, bulk, files, seal, dependencies=checks).routes
    api.router.routes.extend(routes)

    @api.get("/healthz")
    async def health() -> JSONResponse:
        return answers.answer(status="ok")

    @api.get("/metrics")
    async def numbers() -> Response:
        return Response(await exposition(), media_type=METRICS_CONTENT_TYPE)

    if console is not None:
        api.router.default = _Besides(api.router.default, console)
    api.add_exception_handler(FwdctlError, _refused)
    api.add_exception_handler(RequestValidationError, _malformed)
    api.add_exception_handler(HTTPException, _no_such_thing)
    api.add_middleware(Gate, access=access, metrics=metrics)
    return api


class _Besides:
    """ASGI: what no route of the API takes goes to the console, but for paths that only the API could have."""

    def __init__(self, not_found: ASGIApp, console: ASGIApp) -> None:
        self._not_found = not_found
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as one of them."""
        theirs = scope["type"] == "http" and is_console(scope["path"])
        await (self._console if theirs else self._not_found)(scope, receive, send)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FwdctlError)
    return error_response(error)


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [f"{_place(problem['loc'])}: {problem['msg']}" for problem in error.errors()]
    named = "; ".join(problems[:_PROBLEMS_NAMED])
    return error_response(FwdctlError(f"the request is malformed: {named}", hint="see /openapi.json"), status=422)


async def _no_such_thing(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return error_response(FwdctlError(str(error.detail), hint="see /openapi.json"), status=error.status_code)


def _place(location: Sequence[Any]) -> str:
    return ".".join(str(part) for part in location[1:]) or "body"
