"""Plans that were made lately: what each would do, and applying it with the guards of the command line."""

from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response

from reconciler.adapters.console.pages import Pages, keep_cookie
from reconciler.adapters.console.toggle_routes import REASON_MAX
from reconciler.adapters.console.visitor import NAME_COOKIE, NAME_MAX
from reconciler.app.apply_runs import ApplyRun, ApplyRuns
from reconciler.app.applying import ApplyRequest
from reconciler.app.recent_plans import RecentPlan
from reconciler.app.reconciler import Reconciler
from reconciler.app.refusing import window_to_wait_for
from reconciler.errors import FwdctlError
from reconciler.model.access import MAY_OVERRIDE_WINDOWS, Access
from reconciler.planning.change_windows import CHANGE_WINDOW
from reconciler.planning.guard import Limits
from reconciler.planning.render import effects_line, headline
from reconciler.planning.render_text import render_text

LINES_MAX: Final = 2000
"""Of one plan on a page; the rest is said to be there."""


def add_plan_routes(console: FastAPI, reconciler: Reconciler, runs: ApplyRuns, pages: Pages) -> None:
    """Add them; to apply one needs an operator."""

    async def shown(request: Request, kept: RecentPlan, fault: str = "", status: int = 200) -> HTMLResponse:
        plan, given = kept.plan, await request.form()
        lines = render_text(plan)
        return pages.page(
            request,
            "plan.html",
            status,
            kept=kept,
            run=await _begun(runs, kept),
            title=headline(plan),
            effects=effects_line(plan),
            lines=lines[:LINES_MAX],
            more=max(0, len(lines) - LINES_MAX),
            moved=await reconciler.moved_since(plan),
            guards=[block for block in plan.blocked if block.guard != CHANGE_WINDOW],
            eligible_at=window_to_wait_for(plan.blocked),
            not_outside_windows=pages.visitor(request).why_not(MAY_OVERRIDE_WINDOWS),
            windows=any(block.guard == CHANGE_WINDOW for block in plan.blocked),
            fault=fault,
            given={name: str(value) for name, value in given.items()},
            reason_max=REASON_MAX,
            name_max=NAME_MAX,
        )

    @console.get("/plans/{plan_id}")
    async def plan(request: Request, plan_id: str) -> HTMLResponse:
        return await shown(request, runs.plans.find(plan_id))

    @console.post("/plans/{plan_id}/apply")
    async def apply(request: Request, plan_id: str) -> Response:
        kept, given = runs.plans.find(plan_id), await request.form()
        typed, when = str(given.get("name", "")).strip(), given.get("when")
        pages.require(request, MAY_OVERRIDE_WINDOWS if when == "override" else Access.OPERATOR)
        reason = str(given.get("reason", "")).strip()[:REASON_MAX]
        run = await _begun(runs, kept)
        if run is not None and run.error is None:
            return pages.redirect(request, f"/applies/{run.id}")  # it is applied once, however often this is sent
        try:
            actor = pages.actor(request, typed)
            if not reason:
                raise FwdctlError("the reason is missing", hint="it goes into history, beside your name")
        except FwdctlError as error:
            return await shown(request, kept, f"{error.summary[:1].upper()}{error.summary[1:]}: {error.hint}.", 422)
        begun = await runs.start(
            ApplyRequest(
                kept.plan,
                actor,
                reason,
                limits=Limits(override_window=when == "override"),
                wait_for_window=when == "wait",
            )
        )
        answer = pages.redirect(request, f"/applies/{begun.id}")
        keep_cookie(request, answer, NAME_COOKIE, typed)
        return answer


async def _begun(runs: ApplyRuns, kept: RecentPlan) -> ApplyRun | None:
    """Return the apply that was begun with a plan, None where there was none."""
    return await runs.look_up(kept.apply_id) if kept.apply_id else None
