"""Outages: who stands in, a calendar of what is planned, who was told, and ending, extending or beginning one."""

from datetime import datetime
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response

from reconciler.adapters.console.charger_routes import OUTCOMES
from reconciler.adapters.console.month import days_shown, month_asked, month_of
from reconciler.adapters.console.pages import Pages, keep_cookie
from reconciler.adapters.console.stand_ins import stand_ins
from reconciler.adapters.console.toggle_routes import DURATIONS, REASON_MAX, seconds_of
from reconciler.adapters.console.visitor import NAME_COOKIE, NAME_MAX
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.outage_desk import BeginRequest
from reconciler.app.reconciler import Reconciler
from reconciler.errors import FwdctlError
from reconciler.model.access import Access
from reconciler.model.desired import LOCAL

NEXT_SHOWN: Final = 6


def add_outage_routes(console: FastAPI, reconciler: Reconciler, board: FleetBoard, pages: Pages) -> None:
    """Add them; the ones that change something need an operator."""
    desk = reconciler.outages
    _add_begin(console, reconciler, pages)

    @console.get("/outages")
    async def outages(request: Request) -> HTMLResponse:
        today = pages.now().date()
        first = month_asked(request.query_params.get("month", ""), today)
        return pages.page(
            request,
            "outages.html",
            month=month_of(first, today, await desk.between(*days_shown(first))),
            statuses=await desk.outages(),
            upcoming=await desk.upcoming(NEXT_SHOWN),
            undelivered=await reconciler.undelivered(),
            stand_ins=stand_ins(await reconciler.failovers.failovers(), (await board.read()).chargers),
            done=OUTCOMES.get(request.query_params.get("done", "")),
        )

    @console.post("/outages/{name}/cancel")
    async def cancel(request: Request, name: str) -> Response:
        pages.require(request, Access.OPERATOR)
        given = await request.form()
        actor, opening = pages.actor(request, given.get("name")), _opening(str(given.get("opening", "")))
        reason = str(given.get("reason", "")).strip() or "ended from the console"
        await desk.cancel(name, opening=opening, reason=reason, actor=actor)
        return pages.redirect(request, "/outages")

    @console.post("/outages/{name}/extend")
    async def extend(request: Request, name: str) -> Response:
        pages.require(request, Access.OPERATOR)
        given = await request.form()
        actor, opening = pages.actor(request, given.get("name")), _opening(str(given.get("opening", "")))
        reason, by_s = str(given.get("reason", "")).strip() or "more time", int(seconds_of(str(given.get("by"))))
        await desk.extend(name, by_s=by_s, opening=opening, reason=reason, actor=actor)
        return pages.redirect(request, "/outages")


def _add_begin(console: FastAPI, reconciler: Reconciler, pages: Pages) -> None:
    @console.get("/outages/begin")
    async def ask(request: Request) -> HTMLResponse:
        pages.require(request, Access.OPERATOR)
        return await asked(request)

    async def asked(request: Request, fault: str = "", status: int = 200) -> HTMLResponse:
        site, given = await reconciler.site(), await request.form()
        return pages.page(
            request,
            "outage_begin.html",
            status,
            fault=fault,
            given={name: str(value) for name, value in given.items()},
            told=given.getlist("tell"),
            backends=[LOCAL, *sorted(name for name in site.backends if name != LOCAL)],
            durations=DURATIONS,
            reason_max=REASON_MAX,
            name_max=NAME_MAX,
        )

    @console.post("/outages/begin")
    async def begin(request: Request) -> Response:
        pages.require(request, Access.OPERATOR)
        given = await request.form()
        typed = str(given.get("name", "")).strip()
        try:
            actor = pages.actor(request, typed)
            begun = BeginRequest(
                chargers=str(given.get("chargers", "")).replace(",", " ").split(),
                primary=str(given.get("primary", "")),
                for_s=int(seconds_of(str(given.get("lasts", "")))),
                reason=str(given.get("reason", ""))[:REASON_MAX],
                actor=actor,
                tell=[str(name) for name in given.getlist("tell")],
            )
            if not begun.chargers:
                raise FwdctlError("no charger is named", hint="write names or globs, such as depot-a-*")
            await reconciler.outages.begin(begun)
        except FwdctlError as error:
            return await asked(request, f"{error.summary}. {error.hint}", 422)
        answer = pages.redirect(request, "/outages")
        keep_cookie(request, answer, NAME_COOKIE, typed)
        return answer


def _opening(text: str) -> datetime | None:
    """Return the opening that a form names, None for the one that holds or comes next; raises FwdctlError."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise FwdctlError(f"{text!r} is no time", hint="load the page again") from error
    if found.tzinfo is None:
        raise FwdctlError(f"{text!r} has no time zone", hint="load the page again")
    return found
