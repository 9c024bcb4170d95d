"""The routes of access tokens; no answer but that of creation ever holds a token's text."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import JSONResponse

from reconciler.adapters.admin_api import answers
from reconciler.adapters.admin_api.schema import ActingBody
from reconciler.app.access_tokens import AccessTokens
from reconciler.model.access import Access, AccessToken


class TokenBody(ActingBody):
    """POST /v1/tokens: what the token is for, for how long (null: for ever), and for which chargers (labels)."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    access: Access
    valid_for_s: Annotated[float, Field(gt=0, le=100 * 366 * 24 * 3600)] | None = None
    select: Annotated[dict[str, str], Field(default_factory=dict)]


class RevokeBody(ActingBody):
    """POST /v1/tokens/{token_id}/revoke."""


def add_token_routes(router: APIRouter, tokens: AccessTokens) -> None:
    """Add /tokens."""

    @router.get("/tokens")
    async def listed() -> JSONResponse:
        return answers.answer(tokens=[_token(token) for token in tokens.tokens()])

    @router.post("/tokens")
    async def create(body: TokenBody) -> JSONResponse:
        text, token = await tokens.create(body.name, body.access, body.valid_for_s, body.actor, body.select)
        return answers.answer(201, token=text, **_token(token))

    @router.post("/tokens/{token_id}/revoke")
    async def revoke(token_id: str, body: RevokeBody) -> JSONResponse:
        return answers.answer(**_token(await tokens.revoke(token_id, body.actor)))


def _token(token: AccessToken) -> dict[str, Any]:
    """Return what may be told of a token: all but its digest."""
    return {
        "id": token.id,
        "name": token.name,
        "access": token.access.value,
        "select": dict(token.select),
        "created_at": answers.instant(token.created_at),
        "created_by": token.created_by,
        "expires_at": token.expires_at and answers.instant(token.expires_at),
        "revoked_at": token.revoked_at and answers.instant(token.revoked_at),
    }
