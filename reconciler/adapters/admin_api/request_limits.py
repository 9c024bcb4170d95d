"""Bounds of requests to the admin API: how large, and how many of one caller; asked before any of it is read."""

import math
from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse

from reconciler.adapters.admin_api.error_answers import error_response
from reconciler.app.allowances import Allowance, Allowances
from reconciler.app.failure_limits import address_of
from reconciler.errors import FwdctlError

MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""The specs of some 100 000 chargers; what is larger is refused unread."""
BODY_WITHIN_S: Final = 60.0
"""For the whole of a body to arrive, so that nobody holds a request open by sending it in drops."""

CALLS: Final = Allowance(burst=600, per_s=100.0)
"""Of one caller from one address: a person and a pipeline need far less."""
WRONG_TOKENS: Final = Allowance(burst=30, per_s=1.0)
"""Of one address. A token that holds is let in meanwhile: nobody locks out their neighbour."""


class RequestLimits:
    """Counts calls and wrong tokens."""

    def __init__(self) -> None:
        self._left = Allowances()

    def of_caller(self, name: str, remote: str, now_s: float) -> JSONResponse | None:
        """Return the answer to one call too many of this caller, None where it may go on."""
        return self._drawn((name, address_of(remote)), CALLS, now_s)

    def of_stranger(self, remote: str, now_s: float) -> JSONResponse | None:
        """Return the answer to one failure too many from this address, None where it is told so plainly."""
        return self._drawn(("", address_of(remote)), WRONG_TOKENS, now_s)

    def _drawn(self, key: tuple[str, str], allowance: Allowance, now_s: float) -> JSONResponse | None:
        wait_s = self._left.wait_s(key, allowance, now_s)
        if wait_s:
            return too_many(wait_s)
        self._left.take(key, allowance, now_s)
        return None


def too_many(wait_s: float) -> JSONResponse:
    """Return 429 with Retry-After."""
    seconds = math.ceil(wait_s)
    answer = error_response(FwdctlError("too many requests", hint=f"wait {seconds} s, then ask less often"), 429)
    answer.headers["retry-after"] = str(seconds)
    return answer


def oversize(headers: Mapping[str, str]) -> JSONResponse | None:
    """Return the answer to a request whose body is too large, or that does not say how large it is."""
    if "transfer-encoding" in headers:
        return error_response(FwdctlError("a request must say its length", hint="send Content-Length"), status=411)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        return error_response(FwdctlError("Content-Length is no number"), status=400)
    if len(length) > 18 or int(length) > MAX_REQUEST_BYTES:
        summary = f"the request is larger than {MAX_REQUEST_BYTES // 2**20} MiB"
        return error_response(FwdctlError(summary, hint="split the specs over several applies"), status=413)
    return None
