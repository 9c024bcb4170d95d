"""The routes of the admin API about outages, failovers, and why a charger runs as it does."""

from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers, time_answers
from reconciler.adapters.admin_api.acting import CURRENT_CALL
from reconciler.adapters.admin_api.schema import ActingBody
from reconciler.app.outage_desk import BeginRequest, OutageStatus
from reconciler.app.reconciler import Reconciler
from reconciler.model.outages import Occurrence
from reconciler.planning.guard import Limits, Share

UPCOMING_MAX = 1000
Of = TypeVar("Of", OutageStatus, Occurrence)

WholeSeconds = Annotated[int, Field(gt=0, le=366 * 24 * 3600)]
Text = Annotated[str, Field(min_length=1)]


class CancelBody(ActingBody):
    """POST /v1/outages/{name}/cancel: which opening (null: the open one, else the next), and why."""

    opening: AwareDatetime | None = None
    reason: Text


class ExtendBody(CancelBody):
    """POST /v1/outages/{name}/extend: as CancelBody, and how much longer."""

    by_s: WholeSeconds


class BeginBody(ActingBody):
    """POST /v1/outages: an outage that begins now."""

    chargers: Annotated[list[str], Field(min_length=1)]
    primary: str
    for_s: WholeSeconds
    reason: Text
    tell: Annotated[list[str], Field(default_factory=list)]
    open_transaction: Literal["proceed", "wait", "skip"] | None = None
    max_disruption: str | None = None


class ExtendTogglesBody(ActingBody):
    """POST /v1/toggles/extend: the chargers whose override lasts longer, by how much, and why."""

    chargers: Annotated[list[str], Field(min_length=1)]
    by_s: WholeSeconds
    reason: Text


class EndFailoversBody(ActingBody):
    """POST /v1/failovers/end: the chargers on which nobody is to stand in any more."""

    chargers: Annotated[list[str], Field(min_length=1)]


def add_time_routes(router: APIRouter, reconciler: Reconciler) -> None:
    """Add the routes to `router`."""
    _add_toggles_and_failovers(router, reconciler)
    _add_outages(router, reconciler)
    _add_openings(router, reconciler)

    @router.get("/explain/{charger}")
    async def explain(charger: str, at: AwareDatetime | None = None) -> JSONResponse:
        return time_answers.explanation(await reconciler.explain(charger, at))

    @router.get("/notices/undelivered")
    async def undelivered() -> JSONResponse:
        found = await reconciler.undelivered()
        if labels := CURRENT_CALL.get().caller.select:
            reached = set(await reconciler.reach.chargers(labels))
            found = tuple(notice for notice in found if reached.issuperset(notice.announcement.chargers))
        return time_answers.notices(found)


async def _within_reach(reconciler: Reconciler, found: tuple[Of, ...]) -> tuple[Of, ...]:
    """Return those whose outages are about chargers within the caller's reach, and no others."""
    labels = CURRENT_CALL.get().caller.select
    reached = await reconciler.reach.chargers(labels) if labels else frozenset()
    return tuple(one for one in found if not labels or (reached and reached.issuperset(one.outage.chargers)))


def _add_outages(router: APIRouter, reconciler: Reconciler) -> None:
    desk = reconciler.outages

    @router.get("/outages")
    async def outages() -> JSONResponse:
        return time_answers.outages(await _within_reach(reconciler, await desk.outages()))

    @router.get("/outages/next")
    async def upcoming(limit: Annotated[int, Query(ge=1, le=UPCOMING_MAX)] = 10) -> JSONResponse:
        everywhere = not CURRENT_CALL.get().caller.select
        found = await desk.upcoming(limit if everywhere else UPCOMING_MAX)
        return time_answers.occurrences((await _within_reach(reconciler, found))[:limit])

    @router.post("/outages")
    async def begin(body: BeginBody) -> JSONResponse:
        share = Share.parse(body.max_disruption) if body.max_disruption is not None else None
        request = BeginRequest(
            chargers=body.chargers,
            primary=body.primary,
            for_s=body.for_s,
            reason=body.reason,
            actor=body.actor,
            tell=body.tell,
            open_transaction=body.open_transaction,
            limits=Limits(share),
        )
        return time_answers.outage_change(await desk.begin(request))


def _add_openings(router: APIRouter, reconciler: Reconciler) -> None:
    desk = reconciler.outages

    async def check_outage(name: str) -> None:
        """Refuse a caller that does not reach all chargers of an outage: who ends it ends it for all of them."""
        labels = CURRENT_CALL.get().caller.select
        if labels:
            await reconciler.reach.check_all(await desk.chargers_of(name), labels, f"outage {name}")

    @router.post("/outages/{name}/cancel")
    async def cancel(name: str, body: CancelBody) -> JSONResponse:
        await check_outage(name)
        return time_answers.outage_change(
            await desk.cancel(name, opening=body.opening, reason=body.reason, actor=body.actor)
        )

    @router.post("/outages/{name}/extend")
    async def extend(name: str, body: ExtendBody) -> JSONResponse:
        await check_outage(name)
        return time_answers.outage_change(
            await desk.extend(name, by_s=body.by_s, opening=body.opening, reason=body.reason, actor=body.actor)
        )


def _add_toggles_and_failovers(router: APIRouter, reconciler: Reconciler) -> None:
    @router.get("/toggles")
    async def toggles() -> JSONResponse:
        overrides = await reconciler.toggles()
        if labels := CURRENT_CALL.get().caller.select:
            reached = await reconciler.reach.chargers(labels)
            overrides = tuple(one for one in overrides if one.charger in reached)
        return answers.toggles(overrides)

    @router.post("/toggles/extend")
    async def extend(body: ExtendTogglesBody) -> JSONResponse:
        return answers.toggle(
            await reconciler.extend_toggle(body.chargers, by_s=body.by_s, reason=body.reason, actor=body.actor)
        )

    @router.get("/failovers")
    async def failovers() -> JSONResponse:
        return time_answers.failovers(await reconciler.failovers.failovers())

    @router.post("/failovers/end")
    async def end(body: EndFailoversBody) -> JSONResponse:
        return time_answers.ended(await reconciler.failovers.end(body.chargers, actor=body.actor))
