"""The routes of the admin API about operations: what a charger can be told now, telling it, and following that."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.adapters.admin_api.schema import ActingBody
from reconciler.app import api_contract
from reconciler.app.charger_reach import ChargerReach
from reconciler.app.operation_run import error_of, exit_code_of
from reconciler.app.operations import Offers, Operations
from reconciler.errors import NotAllowed
from reconciler.local.operations.catalogue import OPERATIONS
from reconciler.model.operations import Offer, OperationOrder, OperationRecord, State

WAIT_MAX_S = 30.0
RECENT_MAX = 1000


class OperationBody(ActingBody):
    """POST /v1/operations: what is to be done on which charger, who wants it, and why."""

    charger: Annotated[str, Field(min_length=1)]
    operation: Annotated[str, Field(min_length=1)]
    parameters: Annotated[dict[str, Any], Field(default_factory=dict)]
    reason: str = ""


def add_operation_routes(router: APIRouter, operations: Operations, reach: ChargerReach) -> None:
    """Add the routes to `router`; `reach` keeps callers to their chargers."""

    async def reached() -> frozenset[str] | None:
        """Return the chargers within the caller's reach, None for all."""
        labels = CURRENT_CALL.get().caller.select
        return await reach.chargers(labels) if labels else None

    @router.get("/chargers/{charger}/operations")
    async def offers(charger: str) -> JSONResponse:
        return _offers(await operations.offers(charger))

    @router.post("/operations")
    async def start(body: OperationBody) -> JSONResponse:
        order = OperationOrder(body.charger, body.operation, body.parameters, body.actor, body.reason)
        run = await operations.start(order)
        return answers.answer(202, id=run.record.id)

    @router.get("/operations/{operation_id}")
    async def state(
        operation_id: str,
        wait_s: Annotated[float, Query(ge=0, le=WAIT_MAX_S)] = 0,
        seen: Annotated[int, Query(ge=0)] = 0,
    ) -> JSONResponse:
        found = await operations.follow(operation_id, seen, wait_s)
        within = await reached()
        if within is not None and found.charger not in within:
            raise NotAllowed(f"operation {operation_id} is on a charger out of this token's reach")
        return answers.answer(**record_to_json(found, seen))

    @router.get("/operations")
    async def recent(
        charger: str | None = None, limit: Annotated[int, Query(ge=1, le=RECENT_MAX)] = 50
    ) -> JSONResponse:
        found, within = await operations.recent(charger, limit), await reached()
        seen = [record for record in found if within is None or record.charger in within]
        return answers.answer(operations=[record_to_json(record) for record in seen])


def record_to_json(record: OperationRecord, seen: int = 0) -> dict[str, Any]:
    """Return an operation as it stands; of its progress what comes after the first `seen` lines."""
    failed = record.done and record.state is not State.SUCCEEDED
    return {
        "id": record.id,
        "charger": record.charger,
        "operation": record.operation,
        "feature": record.feature,
        "parameters": dict(record.parameters),
        "actor": record.actor,
        "reason": record.reason,
        "batch": record.batch or None,
        "state": record.state.value,
        "done": record.done,
        "progress": [{"at": answers.instant(line.at), "text": line.text} for line in record.progress[seen:]],
        "result": record.result,
        "problem": record.problem,
        "error": api_contract.error_to_json(error_of(record))["error"] if failed else None,
        "exit_code": exit_code_of(record),
        "started_at": answers.instant(record.started_at),
        "ended_at": None if record.ended_at is None else answers.instant(record.ended_at),
    }


def _offers(found: Offers) -> JSONResponse:
    live = found.live
    return answers.answer(
        charger=found.charger,
        connected=live is not None and live.connected,
        version=live.version if live else None,
        operations=[_offer(offer) for offer in found.offers],
        running=[record_to_json(record) for record in found.running],
    )


def _offer(offer: Offer) -> dict[str, Any]:
    operation = OPERATIONS[offer.operation]
    return {
        "operation": offer.operation,
        "summary": operation.summary,
        "feature": offer.feature,
        "available": offer.available,
        "owner": offer.owner,
        "reason": offer.reason,
        "way_out": offer.way_out,
        "read_only": operation.read_only,
        "parameters": operation.schema(),
    }
