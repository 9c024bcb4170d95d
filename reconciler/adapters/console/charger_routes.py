"""The page of one charger: who is in charge and why, its back-ends, transactions, and what happened to it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, StreamingResponse

from reconciler.adapters.console.fleet_view import owners_of
from reconciler.adapters.console.pages import Pages
from reconciler.adapters.console.passed_messages import PassedMessages
from reconciler.adapters.console.streams import Fragments, Streams
from reconciler.adapters.console.timeline import SPAN, Timeline, timeline
from reconciler.adapters.console.wording import by_group, by_owner, main_owner
from reconciler.app.fleet_board import FleetBoard, Picture
from reconciler.app.message_counts import MessageCounts
from reconciler.app.ports import HistoryFilter
from reconciler.app.reconciler import Reconciler
from reconciler.app.status import ChargerStatus
from reconciler.errors import UnknownAddress
from reconciler.model.desired import LOCAL
from reconciler.model.failovers import Failover
from reconciler.model.history import HistoryEvent
from reconciler.planning.explain import Explanation, layer_text
from reconciler.planning.findings import did_you_mean

EVENTS_SHOWN: Final = 12
EVENTS_DRAWN: Final = 1000


class Done(msgspec.Struct, frozen=True):
    """What the form that led here did; `kind` is good, wait or bad."""

    kind: str
    text: str


OUTCOMES: Final[Mapping[str, Done]] = {
    "toggled": Done("good", "Done: it is flipped, and stayed connected."),
    "ended": Done("good", "Handed back."),
    "extended": Done("good", "Extended."),
    "deferred": Done("wait", "The charger is offline: this happens at its next connection."),
    "given-back": Done("good", "Given back to its owner. Should that stay away, it is stood in for again."),
    "giving-back": Done("wait", "Given back, and not everywhere yet: where a charger is offline or busy it follows."),
    "refused": Done("bad", "The relay could not do it yet; why is below. It is tried again until you hand back."),
}
"""What `?done=` says, from a closed set: an address can't put words into the page."""


class ChargerView(msgspec.Struct, frozen=True):
    """What the top of the page shows; `chief` owns the most, `proxied` where that is not local."""

    status: ChargerStatus
    owners: Sequence[tuple[str, str]]
    groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    chief: str
    because: str

    @property
    def online(self) -> bool:
        """Tell whether the charger is connected now."""
        return self.status.live is not None and self.status.live.connected

    @property
    def proxied(self) -> bool:
        """Tell whether a partner is in charge, so that local control is passive."""
        return self.chief != LOCAL

    @property
    def stood_in_for(self) -> tuple[Failover, ...]:
        """Return whom somebody stands in for, where that decides on the charger."""
        sources = self.status.layer.sources if self.status.layer is not None else ()
        return tuple(source for source in sources if isinstance(source, Failover))


def charger_view(status: ChargerStatus) -> ChargerView:
    """Return what there is to say about a charger as it is now."""
    owned = owners_of(status)
    because = layer_text(status.layer) if status.layer is not None else f"declared by {status.bound_by or 'nothing'}"
    return ChargerView(status, by_owner(owned), by_group(owned), main_owner(owned), because)


def find(picture: Picture, name: str) -> ChargerStatus:
    """Return a charger of the picture; raises UnknownAddress."""
    status = picture.chargers.get(name)
    if status is None:
        hint = did_you_mean(name, picture.chargers, otherwise="the list of chargers has all of them")
        raise UnknownAddress(f"there is no charger {name}", hint=hint)
    return status


def add_charger_routes(
    console: FastAPI,
    reconciler: Reconciler,
    board: FleetBoard,
    counts: MessageCounts,
    pages: Pages,
    streams: Streams,
) -> None:
    """Add the pages of one charger."""
    passed, past = PassedMessages(counts, pages), _Past(reconciler, pages)

    async def explained(status: ChargerStatus) -> Explanation | None:
        return await reconciler.explain(status.name) if status.bound_by else None

    @console.get("/chargers/{name}")
    async def charger(request: Request, name: str) -> HTMLResponse:
        find(await board.read(), name)
        (status,) = await reconciler.status(f"charger.{name}")  # as it is now: who has just done something looks here
        return pages.page(
            request,
            "charger.html",
            view=charger_view(status),
            explanation=await explained(status),
            events=await past.events(name),
            timeline=await past.picture(status),
            chief=main_owner(owners_of(status)),
            **passed.context(status),
            done=OUTCOMES.get(request.query_params.get("done", "")),
        )

    @console.get("/chargers/{name}/stream")
    async def stream(request: Request, name: str) -> StreamingResponse:
        find(await board.read(), name)
        shown, counted = "", passed.follow(request)

        async def render(picture: Picture) -> Fragments:
            nonlocal shown
            status = picture.chargers.get(name)
            if status is None:
                return {"live": pages.fragment(request, "withdrawn.html", name=name)}
            more = counted(status)
            html = pages.fragment(request, "standing.html", view=charger_view(status))
            if html == shown:
                return more
            shown = html
            return {
                **more,
                "live": html,
                "events": pages.fragment(request, "events.html", events=await past.events(name)),
                "timeline": pages.fragment(
                    request, "timeline.html", timeline=await past.picture(status), chief=main_owner(owners_of(status))
                ),
            }

        return streams.follow(render)


class _Past:
    """What happened to a charger."""

    def __init__(self, reconciler: Reconciler, pages: Pages) -> None:
        self._reconciler = reconciler
        self._pages = pages

    async def events(self, name: str) -> tuple[HistoryEvent, ...]:
        return await self._reconciler.history(HistoryFilter(charger=name, limit=EVENTS_SHOWN))

    async def picture(self, status: ChargerStatus) -> Timeline:
        since = self._pages.now() - SPAN
        wanted = HistoryFilter(charger=status.name, since=since, limit=EVENTS_DRAWN)
        return timeline(await self._reconciler.history(wanted), owners_of(status), self._pages.now())
