"""Looking back: what happened, what was applied, how an apply goes, and what is not as applied."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, StreamingResponse

from reconciler.adapters.console.flip_chart import HOURS, flips_by_hour
from reconciler.adapters.console.pages import Pages
from reconciler.adapters.console.streams import QUIET_S, STILL_HERE, Streams, event
from reconciler.adapters.console.wording import EVENT_WORDS
from reconciler.app.api_audit import API_CALL
from reconciler.app.apply_runs import ApplyRun, ApplyRuns
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.ports import HistoryFilter
from reconciler.app.reconciler import Reconciler
from reconciler.errors import UnknownAddress
from reconciler.model.access import Access
from reconciler.planning.render import effects_line, headline

EVENTS_MAX: Final = 200
APPLIES_MAX: Final = 50
FLIPS_MAX: Final = 5000


def add_history_routes(
    console: FastAPI, reconciler: Reconciler, runs: ApplyRuns, board: FleetBoard, pages: Pages, streams: Streams
) -> None:
    """Add them."""
    _add_applies(console, runs, board, pages, streams)

    @console.get("/history")
    async def history(request: Request) -> HTMLResponse:
        asked = request.query_params
        charger, kind = asked.get("charger", "").strip()[:100], asked.get("kind", "")[:60]
        without = None if kind == API_CALL else API_CALL  # every change is there as what it did
        wanted = HistoryFilter(charger or None, kind or None, limit=EVENTS_MAX, without=without)
        events = await reconciler.history(wanted)
        kept = await reconciler.retained()
        return pages.page(
            request,
            "history.html",
            events=events,
            charger=charger,
            kind=kind,
            kinds=EVENT_WORDS,
            most=EVENTS_MAX,
            kept=kept,
        )

    @console.get("/changes")
    async def changes(request: Request) -> HTMLResponse:
        flips = HistoryFilter(kind="flip", since=pages.now() - timedelta(hours=HOURS), limit=FLIPS_MAX)
        return pages.page(
            request,
            "changes.html",
            applies=await reconciler.history(HistoryFilter(kind="apply", limit=APPLIES_MAX)),
            kept=await reconciler.retained(),
            drift=await reconciler.drift(),
            lock=await reconciler.lock(),
            running=runs.recent(),
            plans=[(kept, headline(kept.plan), effects_line(kept.plan)) for kept in runs.plans.newest()],
            bars=flips_by_hour(await reconciler.history(flips), pages.now()),
        )

    @console.get("/changes/{revision}")
    async def revision(request: Request, revision: str) -> HTMLResponse:
        number = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0
        events = await reconciler.history(HistoryFilter(revision=number, limit=EVENTS_MAX)) if number else ()
        if not events:
            raise UnknownAddress(f"there is no revision {revision}", hint="the page of changes lists them")
        kept = await reconciler.retained()
        return pages.page(request, "revision.html", revision=number, events=events, kept=kept)


def _add_applies(console: FastAPI, runs: ApplyRuns, board: FleetBoard, pages: Pages, streams: Streams) -> None:
    @console.get("/applies/{run_id}")
    async def apply(request: Request, run_id: str) -> HTMLResponse:
        return pages.page(request, "apply.html", run=await runs.look_up(run_id))

    @console.post("/applies/{run_id}/stop")
    async def stop(request: Request, run_id: str) -> RedirectResponse:
        pages.require(request, Access.OPERATOR)
        await runs.stop(run_id, pages.actor(request, (await request.form()).get("name")))
        return pages.redirect(request, f"/applies/{run_id}")

    @console.post("/applies/{run_id}/resume")
    async def resume(request: Request, run_id: str) -> RedirectResponse:
        pages.require(request, Access.OPERATOR)
        return pages.redirect(request, f"/applies/{(await runs.resume(run_id)).id}")

    @console.get("/applies/{run_id}/stream")
    async def stream(request: Request, run_id: str) -> StreamingResponse:
        run = await runs.look_up(run_id)
        return streams.answer(_going(request, run))

    async def _going(request: Request, run: ApplyRun) -> AsyncIterator[str]:
        seen = -1
        while not board.closed:
            if len(run.progress) != seen or run.done:
                seen = len(run.progress)
                yield event("apply", pages.fragment(request, "apply.html", run=run))
            if run.done:
                yield event("over", "")
                return
            await run.wait_for_news(seen, min(QUIET_S, 2.0))
            run = await runs.look_up(run.id)
            yield STILL_HERE
            await board.pause(0.25)
