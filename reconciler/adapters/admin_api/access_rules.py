"""Which access every route of the admin API needs; what is not listed needs the most."""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final

from fastapi import Request

from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.app.charger_reach import ChargerReach
from reconciler.errors import NotAllowed
from reconciler.model.access import MAY_OVERRIDE_WINDOWS, Access

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
    ("GET", "/v1/load-policies"): _VIEWER,
    ("GET", "/v1/load-policies/{name}/samples"): _VIEWER,
    ("GET", "/v1/notification-rules"): _VIEWER,
    ("GET", "/v1/applies/{run_id}"): _VIEWER,
    ("POST", "/v1/plan"): _VIEWER,
    ("POST", "/v1/texts"): _VIEWER,
    ("POST", "/v1/rollbacks/plan"): _VIEWER,
    ("GET", "/v1/toggles"): _VIEWER,
    ("POST", "/v1/toggles"): _TECHNICIAN,
    ("POST", "/v1/toggles/extend"): _TECHNICIAN,
    ("POST", "/v1/toggles/end"): _TECHNICIAN,
    ("GET", "/v1/chargers/{charger}/operations"): _VIEWER,
    ("GET", "/v1/operations"): _VIEWER,
    ("GET", "/v1/operations/{operation_id}"): _VIEWER,
    ("POST", "/v1/operations"): _TECHNICIAN,
    ("POST", "/v1/bulk-operations"): _TECHNICIAN,
    ("GET", "/v1/bulk-operations/{run_id}"): _VIEWER,
    ("GET", "/v1/firmware"): _VIEWER,
    ("PUT", "/v1/firmware/{name}"): _OPERATOR,
    ("DELETE", "/v1/firmware/{name}"): _OPERATOR,
    ("GET", "/v1/uploads"): _TECHNICIAN,
    ("GET", "/v1/uploads/{upload_id}"): _TECHNICIAN,
    ("POST", "/v1/pauses"): _TECHNICIAN,
    ("POST", "/v1/pauses/end"): _TECHNICIAN,
    ("POST", "/v1/outages"): _OPERATOR,
    ("POST", "/v1/outages/{name}/cancel"): _OPERATOR,
    ("POST", "/v1/outages/{name}/extend"): _OPERATOR,
    ("POST", "/v1/failovers/end"): _OPERATOR,
    ("POST", "/v1/applies"): _OPERATOR,
    ("POST", "/v1/applies/{run_id}/stop"): _OPERATOR,
    ("POST", "/v1/applies/{run_id}/resume"): _OPERATOR,
    ("POST", "/v1/lock/break"): _OPERATOR,
    ("GET", "/v1/tokens"): _ADMIN,
    ("POST", "/v1/tokens"): _ADMIN,
    ("POST", "/v1/tokens/{token_id}/revoke"): _ADMIN,
}


class Reach(Enum):
    """How a route keeps a caller, whose token is for some chargers only, to those."""

    EVERYWHERE = "it tells and changes nothing of any charger"
    BODY = "the chargers of its body are checked"
    PATH = "the charger of its path is checked"
    ADDRESS = "the address of its path is checked"
    WITHIN = "it leaves out, or refuses, what is out of reach"


REACHING: Final[Mapping[tuple[str, str], Reach]] = {
    ("GET", "/healthz"): Reach.EVERYWHERE,
    ("GET", "/v1/version"): Reach.EVERYWHERE,
    ("GET", "/v1/session"): Reach.EVERYWHERE,
    ("POST", "/v1/session"): Reach.EVERYWHERE,
    ("POST", "/v1/session/end"): Reach.EVERYWHERE,
    ("GET", "/v1/lock"): Reach.EVERYWHERE,
    ("GET", "/v1/status"): Reach.WITHIN,
    ("GET", "/v1/drift"): Reach.WITHIN,
    ("GET", "/v1/history"): Reach.WITHIN,
    ("GET", "/v1/notices/undelivered"): Reach.WITHIN,
    ("GET", "/v1/load-policies"): Reach.WITHIN,
    ("GET", "/v1/notification-rules"): Reach.WITHIN,
    ("GET", "/v1/toggles"): Reach.WITHIN,
    ("GET", "/v1/resources/{address}"): Reach.ADDRESS,
    ("GET", "/v1/explain/{charger}"): Reach.PATH,
    ("POST", "/v1/plan"): Reach.WITHIN,
    ("POST", "/v1/texts"): Reach.WITHIN,
    ("POST", "/v1/applies"): Reach.WITHIN,
    ("GET", "/v1/applies/{run_id}"): Reach.EVERYWHERE,
    ("POST", "/v1/toggles"): Reach.BODY,
    ("POST", "/v1/toggles/extend"): Reach.BODY,
    ("POST", "/v1/toggles/end"): Reach.BODY,
    ("GET", "/v1/chargers/{charger}/operations"): Reach.PATH,
    ("GET", "/v1/operations"): Reach.WITHIN,
    ("GET", "/v1/operations/{operation_id}"): Reach.WITHIN,
    ("POST", "/v1/operations"): Reach.BODY,
    ("POST", "/v1/bulk-operations"): Reach.WITHIN,
    ("GET", "/v1/bulk-operations/{run_id}"): Reach.EVERYWHERE,
    ("GET", "/v1/firmware"): Reach.EVERYWHERE,
    ("GET", "/v1/uploads"): Reach.WITHIN,
    ("GET", "/v1/uploads/{upload_id}"): Reach.WITHIN,
    ("POST", "/v1/pauses"): Reach.BODY,
    ("POST", "/v1/pauses/end"): Reach.BODY,
    ("POST", "/v1/outages"): Reach.BODY,
    ("GET", "/v1/outages"): Reach.WITHIN,
    ("GET", "/v1/outages/next"): Reach.WITHIN,
    ("POST", "/v1/outages/{name}/cancel"): Reach.WITHIN,
    ("POST", "/v1/outages/{name}/extend"): Reach.WITHIN,
    ("POST", "/v1/failovers/end"): Reach.BODY,
}
"""Routes for callers with labels; what is not listed is for those who reach everything. An apply is found by its
random id, which only its caller is told."""


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


def check_window_override(wanted: bool) -> None:
    """Refuse a caller that would apply in spite of change windows and may not."""
    access = CURRENT_CALL.get().caller.access
    if wanted and not access.covers(MAY_OVERRIDE_WINDOWS):
        token = f"fwdctl token create --access {MAY_OVERRIDE_WINDOWS}"
        raise NotAllowed(
            f"this token is for {access}, and to override change windows needs {MAY_OVERRIDE_WINDOWS}",
            hint=f"wait for the window: --wait-for-window; or use a token made with: {token}",
        )


def check_reach(reach: ChargerReach) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency of the whole application that refuses a caller whose labels the chargers meant have not."""

    async def checked(request: Request) -> None:
        labels = CURRENT_CALL.get().caller.select
        if not labels:
            return
        path = getattr(request.scope.get("route"), "path", "")
        match REACHING.get((request.method, path)):
            case None:
                told = ", ".join(f"{label}={value}" for label, value in labels.items())
                summary = f"this token is for chargers with {told}, and {request.method} {path} is about all of them"
                raise NotAllowed(summary, hint="use a token made without --select")
            case Reach.BODY:
                await reach.check_chargers(await _chargers_of(request), labels)
            case Reach.PATH:
                await reach.check_chargers([request.path_params["charger"]], labels)
            case Reach.ADDRESS:
                await reach.check_address(request.path_params["address"], labels)
            case Reach.EVERYWHERE | Reach.WITHIN:
                pass

    return checked


async def _chargers_of(request: Request) -> list[str]:
    """Return the chargers that a body names; one that is malformed names none, and its validation says so."""
    try:
        body = await request.json()
    except ValueError:
        return []
    if not isinstance(body, dict):
        return []
    named = body.get("chargers", [body.get("charger")])
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
