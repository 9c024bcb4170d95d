"""The bodies of requests; unknown fields are refused, so that a typo is no silent default."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from reconciler.adapters.admin_api.acting import acting
from reconciler.model.documents import Document
from reconciler.planning.guard import Limits, Share
from reconciler.planning.pacing import PARALLELISM, RECONNECTS_PER_S, Pace

Digest = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
"""BLAKE2b, 128 bits, of a document's text as it stands between two separators."""
Seconds = Annotated[float, Field(ge=0, le=7 * 24 * 3600)]


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ActingBody(Body):
    """A request's body that says who asks.

    Once it is read, `actor` is no longer that claim but the name that history is to have: the proven caller, with the
    claim beside it (`Caller.acting`). So no route can forget to look.
    """

    actor: Annotated[str, AfterValidator(acting), Field(validate_default=True, description="Whom you act for.")] = ""


class DocumentBody(Body):
    """One spec document, with the places of its fields."""

    content: dict[str, Any]
    file: str = "-"
    places: dict[str, tuple[int, int]] = {}
    text: Digest | Literal[""] = ""

    def to_document(self) -> Document:
        """Return the document."""
        return Document(self.content, self.file, self.places, self.text)


class TextsBody(Body):
    """POST /v1/texts: digests of the texts of documents."""

    digests: list[Digest]


class LimitsBody(Body):
    """What the caller allows, a flag each."""

    max_disruption: str | None = None
    allow_empty: bool = False
    allow_delete_all: bool = False
    override_window: bool = False


def limits_of(body: LimitsBody) -> Limits:
    """Return what the caller allows as planning takes it; raises FwdctlError where a share is none."""
    share = Share.parse(body.max_disruption) if body.max_disruption is not None else None
    return Limits(share, body.allow_empty, body.allow_delete_all, body.override_window)


class PlanBody(LimitsBody):
    """POST /v1/plan: specs, and which resources they may touch."""

    documents: list[DocumentBody]
    texts: Annotated[list[Digest], Field(description="Of those that the server knows.")] = []
    prune: bool = False
    select: dict[str, str] = {}
    target: list[str] = []
    exclude: list[str] = []


class RollbackBody(LimitsBody):
    """POST /v1/rollbacks/plan: the revision to go back to, and which resources may be touched."""

    revision: Annotated[int, Field(ge=0)]
    prune: bool = False
    select: dict[str, str] = {}
    target: list[str] = []
    exclude: list[str] = []


class PaceBody(Body):
    """How an apply goes about its chargers; a rate of null does not hold it back."""

    parallelism: Annotated[int, Field(ge=1, le=1000)] = PARALLELISM
    canary: str | None = None
    max_failures: Annotated[int, Field(ge=0)] | None = None
    flips_per_s: Annotated[float, Field(gt=0)] | None = None
    reconnects_per_s: Annotated[float, Field(gt=0)] | None = RECONNECTS_PER_S


def pace_of(body: PaceBody) -> Pace:
    """Return how the caller wants it to go; raises FwdctlError where the canary's share is none."""
    canary = Share.parse(body.canary) if body.canary is not None else None
    return Pace(body.parallelism, canary, body.max_failures, body.flips_per_s, body.reconnects_per_s)


class StopBody(ActingBody):
    """POST /v1/applies/{run_id}/stop and /resume: who wants it."""


class ApplyBody(PlanBody, ActingBody):
    """POST /v1/applies: specs to plan and apply at once, or a plan made before; and who wants it, and why."""

    documents: list[DocumentBody] = []
    plan: dict[str, Any] | None = None
    reason: str = ""
    git_author: str = ""
    git_commit: str = ""
    pace: PaceBody = PaceBody()
    lock_timeout_s: Seconds = 0
    wait_for_window: bool = False

    @model_validator(mode="after")
    def _one_of_two(self) -> "ApplyBody":
        if (self.plan is None) == (not self.documents):
            raise ValueError("give either documents or a plan")
        return self


class ToggleBody(LimitsBody, ActingBody):
    """POST /v1/toggles: who is to be primary on these chargers, for how long (null: until ended), and why."""

    chargers: Annotated[list[str], Field(min_length=1)]
    primary: str
    for_s: Annotated[float, Field(gt=0)] | None = None
    reason: Annotated[str, Field(min_length=1)]


class ToggleEndBody(ActingBody):
    """POST /v1/toggles/end: the chargers whose override ends now."""

    chargers: Annotated[list[str], Field(min_length=1)]
