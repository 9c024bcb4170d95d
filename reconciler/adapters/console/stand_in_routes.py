"""Who stands in for whom: shown beside the outages, live, and ended by hand."""

from collections.abc import Callable, Sequence

from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from reconciler.adapters.console.pages import Pages
from reconciler.adapters.console.stand_ins import StandIn, stand_ins
from reconciler.adapters.console.streams import Fragments, Streams
from reconciler.app.courses import Verdict
from reconciler.app.failover_desk import FailoverDesk
from reconciler.app.fleet_board import Picture
from reconciler.model.access import Access


def add_stand_in_routes(console: FastAPI, desk: FailoverDesk, pages: Pages, streams: Streams) -> None:
    """Add them; to end one needs an operator."""

    async def end(request: Request, meant: Callable[[StandIn], Sequence[str]], back_to: str) -> Response:
        pages.require(request, Access.OPERATOR)
        given = await request.form()
        actor = pages.actor(request, given.get("name"))
        names = [name for found in stand_ins(await desk.failovers(), {}) for name in meant(found)]
        results = await desk.end(names, actor=actor) if names else ()
        waits = any(result.verdict is not Verdict.APPLIED for result in results)
        return pages.redirect(request, f"{back_to}?done={'giving-back' if waits else 'given-back'}")

    @console.get("/outages/stream")
    async def stream(request: Request) -> StreamingResponse:
        async def render(picture: Picture) -> Fragments:
            found = stand_ins(await desk.failovers(), picture.chargers)
            return {"stand-ins": pages.fragment(request, "stand_ins.html", stand_ins=found)}

        return streams.follow(render)

    @console.post("/outages/stand-ins/end")
    async def end_all(request: Request) -> Response:
        given = await request.form()
        pair = given.get("backend"), given.get("to")
        return await end(request, lambda one: one.chargers if (one.backend, one.to) == pair else (), "/outages")

    @console.post("/chargers/{name}/stand-in/end")
    async def end_one(request: Request, name: str) -> Response:
        return await end(request, lambda one: [name] if name in one.chargers else (), f"/chargers/{name}")
