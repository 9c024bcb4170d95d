"""Load and notifications: what `local` does by itself, where it is in charge, and where it is not and why."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, StreamingResponse

from reconciler.adapters.console.load_chart import load_chart
from reconciler.adapters.console.pages import Pages
from reconciler.adapters.console.streams import Fragments, Streams
from reconciler.app.fleet_board import Picture
from reconciler.app.reconciler import Reconciler


def add_load_routes(console: FastAPI, reconciler: Reconciler, pages: Pages, streams: Streams) -> None:
    """Add them."""

    def policies() -> list[tuple[Any, Any]]:
        load = reconciler.load
        return [(picture, load_chart(load.samples(picture.name))) for picture in load.pictures()] if load else []

    @console.get("/load")
    async def load(request: Request) -> HTMLResponse:
        rules = await reconciler.told.rules() if reconciler.told is not None else ()
        return pages.page(request, "load.html", policies=policies(), rules=rules)

    @console.get("/load/stream")
    async def stream(request: Request) -> StreamingResponse:
        async def render(_picture: Picture) -> Fragments:
            return {"policies": pages.fragment(request, "policies.html", policies=policies())}

        return streams.follow(render)
