"""The routes of the admin API that have the controller leave chargers alone, and hand them back."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.schema import ActingBody
from reconciler.app.pausing import Pausing
from reconciler.model.rollouts import Pause


class PauseBody(ActingBody):
    """POST /v1/pauses: the chargers to leave alone, why, and for how long (null: until resumed)."""

    chargers: Annotated[list[str], Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    for_s: Annotated[float, Field(gt=0)] | None = None


class ResumeBody(ActingBody):
    """POST /v1/pauses/end: the chargers to look after again."""

    chargers: Annotated[list[str], Field(min_length=1)]


def add_pause_routes(router: APIRouter, pausing: Pausing) -> None:
    """Add them to /v1."""

    @router.post("/pauses")
    async def pause(body: PauseBody) -> JSONResponse:
        made = await pausing.pause(body.chargers, reason=body.reason, actor=body.actor, for_s=body.for_s)
        return answers.answer(pauses=[_pause(one) for one in made])

    @router.post("/pauses/end")
    async def resume(body: ResumeBody) -> JSONResponse:
        resumed = await pausing.resume(body.chargers, actor=body.actor)
        results = [answers.result_json(result) for result in resumed.results]
        return answers.answer(pauses=[_pause(one) for one in resumed.ended], results=results)


def _pause(pause: Pause) -> dict[str, Any]:
    return {
        "charger": pause.charger,
        "since": answers.instant(pause.since),
        "until": answers.instant(pause.until) if pause.until else None,
        "reason": pause.reason,
        "actor": pause.actor,
    }
