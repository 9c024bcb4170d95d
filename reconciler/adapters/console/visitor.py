"""The visitor of a page: what they may do and why not more, who they are in history, and proof that a form is ours."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec
from fastapi import Request

from reconciler.errors import FwdctlError, NotAllowed
from reconciler.model.access import Access

VISIT_COOKIE: Final = "fwdctl-visit"
NAME_COOKIE: Final = "fwdctl-name"
NAME_MAX: Final = 60


class Visitor(msgspec.Struct, frozen=True):
    """Who looks at a page; `name` is "" where nothing says it, then forms ask for one."""

    access: Access
    name: str = ""
    signed_in: bool = False
    """With a session that can be ended."""
    select: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Labels that a charger must have for this visitor to see it; empty: all chargers."""

    def may(self, needed: Access) -> bool:
        """Tell whether they may do what `needed` may."""
        return self.access.covers(needed)

    def why_not(self, needed: Access) -> str:
        """Return why they may not do what `needed` may, "" where they may."""
        if self.may(needed):
            return ""
        return f"Your token is for a {self.access}; this needs {needed} access. Ask for a token with it."


class Door(Protocol):
    """Who comes in is the gate's to say; here is what it says, and how a browser signs in and out."""

    def visitor(self, request: Request) -> Visitor:
        """Return who makes a request that the gate has let in."""

    def acting(self, claim: str) -> str:
        """Return whom history is to name, given the name that the visitor typed."""

    async def enter(self, request: Request, token: str) -> str | None:
        """Return the Set-Cookie header of a new session, None where the token does not hold."""

    def leave(self, request: Request) -> str:
        """End the session, and return the Set-Cookie header that takes its cookie away."""


class Forms:
    """Makes and checks the hidden proof in every form: bound to a cookie that only this server sets."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def visit(self, request: Request) -> str:
        """Return the visit that a request belongs to, a new one where it brings none."""
        kept: str | None = getattr(request.state, "visit", None)
        if kept is None:
            kept = request.cookies.get(VISIT_COOKIE) or secrets.token_urlsafe(24)
            request.state.visit = kept
        return kept

    def proof(self, request: Request) -> str:
        """Return the proof to put into a form."""
        return hmac.new(self._key, self.visit(request).encode(), hashlib.sha256).hexdigest()

    async def check(self, request: Request) -> None:
        """Raise NotAllowed for a POST whose form is not one that this server gave to this visit."""
        if request.method != "POST":
            return
        form = await request.form()
        given = form.get("proof")
        known = VISIT_COOKIE in request.cookies
        if not known or not isinstance(given, str) or not hmac.compare_digest(given, self.proof(request)):
            raise NotAllowed(
                "this form is too old, or was not made by this server",
                hint="nothing was changed: go back, load the page again, and send it once more",
            )


def name_given(visitor: Visitor, given: object) -> str:
    """Return the name that a visitor typed, "" where theirs is proven; raises FwdctlError where there is none."""
    if visitor.name:
        return ""
    text = given.strip() if isinstance(given, str) else ""
    if not text or len(text) > NAME_MAX or not text.isprintable():
        raise FwdctlError(
            "your name is missing, or can't be written into history",
            hint=f"fill in “Your name”, at most {NAME_MAX} characters",
        )
    return text
