"""The list of chargers, how the page looks, and what it is told as things change."""

import asyncio
from collections.abc import Mapping

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse, StreamingResponse

from reconciler.adapters.console.fleet_view import FleetQuery, FleetView, view
from reconciler.adapters.console.message_chart import message_chart
from reconciler.adapters.console.pages import THEME_COOKIE, THEMES, Pages, keep_cookie
from reconciler.adapters.console.streams import Fragments, Streams
from reconciler.app.fleet_board import FleetBoard, Picture
from reconciler.app.message_counts import MessageCounts
from reconciler.app.reconciler import Reconciler

VIEWS_KEPT = 32


def add_fleet_routes(
    console: FastAPI,
    reconciler: Reconciler,
    board: FleetBoard,
    counts: MessageCounts,
    pages: Pages,
    streams: Streams,
) -> None:
    """Add the pages that concern the whole fleet."""
    viewed = _Viewed()

    @console.get("/")
    async def fleet(request: Request) -> HTMLResponse:
        select = pages.visitor(request).select
        found = await viewed.of(await board.read(), FleetQuery.read(request.query_params), select)
        strangers = 0 if select else await reconciler.strangers()
        chart = None if select else message_chart(counts.of_all(), "chargers")
        return pages.page(
            request,
            "fleet.html",
            view=found,
            strangers=strangers,
            messages_chart=chart,
            counted_at="",
            whole=not select,
        )

    @console.get("/stream")
    async def stream(request: Request) -> StreamingResponse:
        query, select = FleetQuery.read(request.query_params), pages.visitor(request).select

        async def render(picture: Picture) -> Fragments:
            found = await viewed.of(picture, query, select)
            return {name: pages.fragment(request, f"{name}.html", view=found) for name in ("tally", "rows")}

        return streams.follow(render)

    @console.post("/theme")
    async def choose_theme(request: Request) -> RedirectResponse:
        form = await request.form()
        theme, back = str(form.get("theme")), str(form.get("back", "/"))
        answer = pages.redirect(request, back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
        keep_cookie(request, answer, THEME_COOKIE, theme if theme in THEMES else "auto")
        return answer


class _Viewed:
    """Views of the newest picture: those who ask for the same share the work."""

    def __init__(self) -> None:
        self._number = 0
        self._views: dict[tuple[FleetQuery, tuple[tuple[str, str], ...]], asyncio.Task[FleetView]] = {}

    async def of(self, picture: Picture, query: FleetQuery, select: Mapping[str, str]) -> FleetView:
        if self._number < picture.number or len(self._views) > VIEWS_KEPT:
            self._number, self._views = picture.number, {}
        key = query, tuple(sorted(select.items()))
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = asyncio.ensure_future(view(picture, query, select))
        return await asyncio.shield(found)  # whoever leaves, others may wait for the same
