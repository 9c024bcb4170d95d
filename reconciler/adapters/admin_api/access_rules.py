"""Which access every route of the admin API needs; what is not listed needs the most."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request

from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.errors import NotAllowed
from reconciler.model.access import Access

_VIEWER, _TECHNICIAN, _OPERATOR, _ADMIN = Access
NEEDED: Final[Mapping[tuple[str, str], Access]] = {
    ("GET", "/healthz"): _VIEWER,
    ("GET", "/metrics"): _VIEWER,
    ("GET", "/v1/version"): _VIEWER,
    ("GET", "/v1/session"): _VIEWER,
    ("POST", "/v1/session"): _VIEWER,
    ("POST", "/v1/session/end"): _VIEWER,
    ("GET", "/v1/status"): _VIEWER,
    ("GET", "/v1/drift"): _VIEWER,
    ("GET", "/v1/dump"): _VIEWER,
    ("GET", "/v1/history"): _VIEWER,
    ("GET", "/v1/resources/{address}"): _VIEWER,
    ("GET", "/v1/lock"): _VIEWER,
    ("GET", "/v1/explain/{charger}"): _VIEWER,
    ("GET", "/v1/outages"): _VIEWER,
    ("GET", "/v1/outages/next"): _VIEWER,
    ("GET", "/v1/failovers"): _VIEWER,
    ("GET", "/v1/notices/undelivered"): _VIEWER,
    ("GET", "/v1/applies/{run_id}"): _VIEWER,
    ("POST", "/v1/plan"): _VIEWER,
    ("POST", "/v1/rollbacks/plan"): _VIEWER,
    ("GET", "/v1/toggles"): _VIEWER,
    ("POST", "/v1/toggles"): _TECHNICIAN,
    ("POST", "/v1/toggles/extend"): _TECHNICIAN,
    ("POST", "/v1/toggles/end"): _TECHNICIAN,
    ("POST", "/v1/outages"): _OPERATOR,
    ("POST", "/v1/outages/{name}/cancel"): _OPERATOR,
    ("POST", "/v1/outages/{name}/extend"): _OPERATOR,
    ("POST", "/v1/failovers/end"): _OPERATOR,
    ("POST", "/v1/applies"): _OPERATOR,
    ("POST", "/v1/lock/break"): _OPERATOR,
    ("GET", "/v1/tokens"): _ADMIN,
    ("POST", "/v1/tokens"): _ADMIN,
    ("POST", "/v1/tokens/{token_id}/revoke"): _ADMIN,
}


async def check_access(request: Request) -> None:
    """Refuse a caller whose access does not cover the route; a dependency of the whole application."""
    path = getattr(request.scope.get("route"), "path", "")
    needed = NEEDED.get((request.method, path), Access.ADMIN)
    access = CURRENT_CALL.get().caller.access
    if not access.covers(needed):
        raise NotAllowed(
            f"this token is for {access}, and {request.method} {path} needs {needed}",
            hint=f"use a token made with: fwdctl token create --access {needed}",
        )
