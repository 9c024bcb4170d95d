"""The routes of the admin API: each reads a request, asks one use case, and writes its answer."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.params import Depends
from starlette.responses import JSONResponse, Response, StreamingResponse

from reconciler import __version__
from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.access_rules import check_window_override
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.adapters.admin_api.bulk_routes import add_bulk_routes
from reconciler.adapters.admin_api.file_routes import add_file_routes
from reconciler.adapters.admin_api.history_routes import add_history_routes
from reconciler.adapters.admin_api.large_bodies import LargeBodyRoute
from reconciler.adapters.admin_api.local_rule_routes import add_local_rule_routes
from reconciler.adapters.admin_api.operation_routes import add_operation_routes
from reconciler.adapters.admin_api.pause_routes import add_pause_routes
from reconciler.adapters.admin_api.schema import (
    ApplyBody,
    DocumentBody,
    PlanBody,
    StopBody,
    TextsBody,
    ToggleBody,
    ToggleEndBody,
    limits_of,
    pace_of,
)
from reconciler.adapters.admin_api.session_routes import add_session_routes
from reconciler.adapters.admin_api.time_routes import add_time_routes
from reconciler.adapters.admin_api.token_routes import add_token_routes
from reconciler.app.admin_access import AdminAccess
from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.applying import ApplyRequest
from reconciler.app.bulk_operations import BulkOperations
from reconciler.app.job_files import JobFiles
from reconciler.app.operations import Operations
from reconciler.app.plan_seal import PlanSeal
from reconciler.app.planning import PlanRequest
from reconciler.app.reconciler import Reconciler
from reconciler.app.toggling import ToggleRequest
from reconciler.model.access import Access
from reconciler.model.documents import Document
from reconciler.model.plan import Plan
from reconciler.planning.scope import Scope

WAIT_MAX_S = 30.0


def build_routes(
    reconciler: Reconciler,
    runs: ApplyRuns,
    access: AdminAccess,
    operations: Operations,
    bulk: BulkOperations,
    files: JobFiles,
    seal: PlanSeal,
    *,
    dependencies: Sequence[Depends],
) -> APIRouter:
    """Return all of /v1; every route has these dependencies."""
    router = APIRouter(prefix="/v1", route_class=LargeBodyRoute, dependencies=dependencies)
    _add_reading(router, reconciler)
    _add_planning(router, reconciler, runs, seal)
    _add_changing(router, reconciler)
    add_history_routes(router, reconciler, seal)
    add_local_rule_routes(router, reconciler)
    add_time_routes(router, reconciler)
    add_pause_routes(router, reconciler.pausing)
    add_token_routes(router, access.tokens)
    add_session_routes(router, access.sessions)
    add_operation_routes(router, operations, reconciler.reach)
    add_bulk_routes(router, bulk, reconciler.reach)
    add_file_routes(router, files, reconciler.reach)
    return router


def _add_reading(router: APIRouter, reconciler: Reconciler) -> None:
    @router.get("/version")
    async def version() -> JSONResponse:
        return answers.answer(version=__version__)

    @router.get("/status")
    async def status(address: str | None = None) -> StreamingResponse:
        labels = CURRENT_CALL.get().caller.select
        reached = await reconciler.reach.chargers(labels) if labels else None
        chargers = [one for one in await reconciler.status(address) if reached is None or one.name in reached]
        return answers.status(chargers, await reconciler.strangers() if reached is None else 0)

    @router.get("/drift")
    async def drift(address: str | None = None) -> JSONResponse:
        report = await reconciler.drift(address)
        if labels := CURRENT_CALL.get().caller.select:
            report = report.within(await reconciler.reach.chargers(labels))
        return answers.drift(report)

    @router.get("/dump")
    async def dump(live: bool = False) -> JSONResponse:
        return answers.dump(await reconciler.dump(), await reconciler.newcomers() if live else None)

    @router.get("/lock")
    async def lock() -> JSONResponse:
        return answers.lock(await reconciler.lock())


def _add_planning(router: APIRouter, reconciler: Reconciler, runs: ApplyRuns, seal: PlanSeal) -> None:
    async def planned(body: PlanBody) -> Plan:
        scope = Scope(body.prune, body.select, tuple(body.target), tuple(body.exclude))
        documents, caller = _documents(body.documents), CURRENT_CALL.get().caller
        trusted = caller.access.covers(Access.OPERATOR) and not caller.select
        return await reconciler.plan(PlanRequest(documents, scope, limits_of(body), body.texts, trusted))

    @router.post("/texts")
    async def known_texts(body: TextsBody) -> JSONResponse:
        everything = not CURRENT_CALL.get().caller.select
        return answers.answer(known=await reconciler.known_texts(body.digests) if everything else [])

    @router.post("/plan")
    async def plan(body: PlanBody) -> JSONResponse:
        plan = await planned(body)
        await reconciler.reach.check_plan(plan, CURRENT_CALL.get().caller.select)
        runs.plans.keep(plan, CURRENT_CALL.get().caller.name)
        return JSONResponse(await asyncio.to_thread(seal.sealed, plan))

    @router.post("/applies")
    async def start_apply(body: ApplyBody) -> JSONResponse:
        check_window_override(body.override_window)
        plan = await (asyncio.to_thread(seal.opened, body.plan) if body.plan is not None else planned(body))
        await reconciler.reach.check_plan(plan, CURRENT_CALL.get().caller.select)
        run = await runs.start(
            ApplyRequest(
                plan=plan,
                actor=body.actor,
                reason=body.reason,
                git_author=body.git_author,
                git_commit=body.git_commit,
                limits=limits_of(body),
                pace=pace_of(body.pace),
                lock_timeout_s=body.lock_timeout_s,
                wait_for_window=body.wait_for_window,
            )
        )
        return answers.answer(202, id=run.id)

    @router.get("/applies/{run_id}")
    async def apply_state(
        run_id: str,
        wait_s: Annotated[float, Query(ge=0, le=WAIT_MAX_S)] = 0,
        seen: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        run = await runs.look_up(run_id)
        await run.wait_for_news(run.seen_here(seen), wait_s)
        return answers.apply_run(await runs.look_up(run_id), seen)

    @router.post("/applies/{run_id}/stop")
    async def stop_apply(run_id: str, body: StopBody) -> JSONResponse:
        return answers.answer(202, id=(await runs.stop(run_id, body.actor)).id)

    @router.post("/applies/{run_id}/resume")
    async def resume_apply(run_id: str, body: StopBody) -> JSONResponse:
        return answers.answer(202, id=(await runs.resume(run_id)).id)


def _add_changing(router: APIRouter, reconciler: Reconciler) -> None:
    @router.post("/toggles")
    async def toggle(body: ToggleBody) -> JSONResponse:
        return answers.toggle(
            await reconciler.toggle(
                ToggleRequest(
                    chargers=body.chargers,
                    primary=body.primary,
                    reason=body.reason,
                    actor=body.actor,
                    for_s=body.for_s,
                    limits=limits_of(body),
                )
            )
        )

    @router.post("/toggles/end")
    async def end_toggle(body: ToggleEndBody) -> JSONResponse:
        return answers.toggle(await reconciler.end_toggle(body.chargers, actor=body.actor))

    @router.post("/lock/break")
    async def break_lock() -> JSONResponse:
        return answers.lock(await reconciler.break_lock())


def _documents(bodies: Iterable[DocumentBody]) -> list[Document]:
    return [body.to_document() for body in bodies]
