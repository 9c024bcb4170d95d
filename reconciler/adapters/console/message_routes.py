"""The live message log of a charger: what passes while somebody looks."""

from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, StreamingResponse

from reconciler.adapters.console.charger_routes import find
from reconciler.adapters.console.pages import Pages
from reconciler.adapters.console.streams import QUIET_S, STILL_HERE, Streams, event
from reconciler.app.fleet_board import FleetBoard
from reconciler.app.message_tap import STATION, Tap, Wanted
from reconciler.relay.catalogue import CATALOGUE

BREATH_S = 0.25
"""What comes within it comes as one."""


def add_message_routes(console: FastAPI, tap: Tap, board: FleetBoard, pages: Pages, streams: Streams) -> None:
    """Add them."""

    @console.get("/chargers/{name}/messages")
    async def messages(request: Request, name: str) -> HTMLResponse:
        status = find(await board.read(), name)
        backends = [leg.backend.name for leg in status.desired.legs] if status.desired is not None else []
        live = [leg.backend for leg in status.live.legs] if status.live is not None else []
        return pages.page(
            request,
            "messages.html",
            name=name,
            wanted=_wanted(request),
            peers=[STATION, *dict.fromkeys([*backends, *live])],
            actions=sorted(CATALOGUE),
        )

    @console.get("/chargers/{name}/messages/stream")
    async def stream(request: Request, name: str) -> StreamingResponse:
        find(await board.read(), name)
        wanted = _wanted(request)

        async def passing() -> AsyncIterator[str]:
            with tap.watch(name, wanted) as watch:
                yield STILL_HERE
                while not board.closed:
                    found, dropped = await watch.take(min(QUIET_S, 2.0))
                    if not found:
                        yield STILL_HERE
                        continue
                    html = pages.fragment(request, "messages.html", messages=found[::-1], dropped=dropped)
                    yield event("message", html)
                    await board.pause(BREATH_S)

        return streams.answer(passing())


def _wanted(request: Request) -> Wanted:
    asked = request.query_params
    direction = asked.get("direction", "")
    return Wanted(
        asked.get("action", "").strip()[:60],
        asked.get("peer", "")[:60],
        direction if direction in ("up", "down") else "",
    )
