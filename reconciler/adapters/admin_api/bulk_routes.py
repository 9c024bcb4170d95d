"""The routes of the admin API about bulk operations: one operation on many chargers."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, model_validator
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.adapters.admin_api.schema import ActingBody
from reconciler.app.bulk_operations import BulkOperations, BulkOrder
from reconciler.app.charger_reach import ChargerReach

WAIT_MAX_S = 30.0


class BulkBody(ActingBody):
    """POST /v1/bulk-operations: chargers by name, glob or label, what is to be done there, and when to stop."""

    chargers: Annotated[list[str], Field(default_factory=list)]
    select: Annotated[dict[str, str], Field(default_factory=dict)]
    operation: Annotated[str, Field(min_length=1)]
    parameters: Annotated[dict[str, Any], Field(default_factory=dict)]
    parallelism: Annotated[int, Field(ge=1, le=100)] = 5
    max_failures: Annotated[int, Field(ge=0)] = 0
    reason: str = ""

    @model_validator(mode="after")
    def _some(self) -> "BulkBody":
        if not self.chargers and not self.select:
            raise ValueError("give chargers or select")
        return self


def add_bulk_routes(router: APIRouter, bulk: BulkOperations, reach: ChargerReach) -> None:
    """Add the routes to `router`; `reach` keeps callers to their chargers."""

    @router.post("/bulk-operations")
    async def start(body: BulkBody) -> JSONResponse:
        names = await bulk.meant(body.chargers, body.select)
        labels = CURRENT_CALL.get().caller.select
        if labels:
            await reach.check_chargers(names, labels)
        order = BulkOrder(
            names, body.operation, body.parameters, body.actor, body.reason, body.parallelism, body.max_failures
        )
        return answers.answer(202, id=bulk.start(order).id, chargers=names)

    @router.get("/bulk-operations/{run_id}")
    async def state(
        run_id: str,
        wait_s: Annotated[float, Query(ge=0, le=WAIT_MAX_S)] = 0,
        seen: Annotated[int, Query(ge=0)] = 0,
    ) -> JSONResponse:
        run = bulk.find(run_id)
        await run.wait_for_news(seen, wait_s)
        return answers.answer(
            id=run.id,
            operation=run.order.operation,
            chargers=list(run.order.chargers),
            members=[
                {
                    "charger": member.charger,
                    "state": member.state,
                    "operation_id": member.operation_id or None,
                    "problem": member.problem,
                }
                for member in run.members[seen:]
            ],
            failures=run.failures,
            done=run.done,
            exit_code=run.exit_code,
        )
