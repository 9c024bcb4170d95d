"""Failures as the admin API answers them: the contract's form, and for what nobody expected a reference only."""

import secrets

import structlog
from starlette.responses import JSONResponse

from reconciler.app import api_contract
from reconciler.errors import FwdctlError

_log = structlog.get_logger(__name__)


def error_response(error: FwdctlError, status: int | None = None) -> JSONResponse:
    """Return the answer that tells a client of `error`; its status is the contract's unless given."""
    return JSONResponse(api_contract.error_to_json(error), status or api_contract.http_status(error))


def unexpected(error: Exception, path: str) -> JSONResponse:
    """Log everything under a fresh reference, and return an answer that tells only the reference."""
    reference = secrets.token_hex(4)
    _log.error("unexpected error in the admin API", reference=reference, path=path, exc_info=error)
    told = FwdctlError(
        f"the server failed unexpectedly (reference {reference})",
        hint="the server's log has the details under that reference",
    )
    return error_response(told, status=500)
