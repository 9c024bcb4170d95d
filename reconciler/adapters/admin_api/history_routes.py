"""The routes of the admin API that look back: history, a resource as it was, and the plan of a way back."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers, time_answers
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.adapters.admin_api.schema import RollbackBody, limits_of
from reconciler.app.api_audit import API_CALL
from reconciler.app.plan_seal import PlanSeal
from reconciler.app.ports import HistoryFilter
from reconciler.app.reconciler import Reconciler
from reconciler.app.showing import Shown
from reconciler.planning.scope import Scope

HISTORY_MAX = 10_000


def add_history_routes(router: APIRouter, reconciler: Reconciler, seal: PlanSeal) -> None:
    """Add them to /v1."""

    @router.get("/history")
    async def history(
        charger: str | None = None,
        kind: str | None = None,
        since: AwareDatetime | None = None,
        revision: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=HISTORY_MAX)] = 100,
    ) -> JSONResponse:
        without = API_CALL if kind is None else None  # the audit of calls is asked for by its kind
        labels = CURRENT_CALL.get().caller.select
        reached = tuple(sorted(await reconciler.reach.chargers(labels))) if labels else None
        wanted = HistoryFilter(charger, kind, since, limit, revision=revision, without=without, chargers=reached)
        return answers.history(await reconciler.history(wanted), await reconciler.retained())

    @router.get("/resources/{address}")
    async def show(
        address: str, at: AwareDatetime | None = None, revision: Annotated[int | None, Query(ge=0)] = None
    ) -> JSONResponse:
        return _shown(await reconciler.show(address, at=at, revision=revision))

    @router.post("/rollbacks/plan")
    async def plan_back_to(body: RollbackBody) -> JSONResponse:
        scope = Scope(body.prune, body.select, tuple(body.target), tuple(body.exclude))
        return JSONResponse(seal.sealed(await reconciler.plan_back_to(body.revision, scope, limits_of(body))))


def _shown(shown: Shown) -> JSONResponse:
    return answers.answer(
        address=shown.address,
        revision=shown.revision,
        at=answers.instant(shown.at) if shown.at is not None else None,
        content=shown.content,
        changed_by=answers.event_json(shown.changed_by) if shown.changed_by is not None else None,
        explanation=time_answers.explanation_json(shown.explanation) if shown.explanation is not None else None,
        flip=answers.event_json(shown.flip) if shown.flip is not None else None,
    )
