"""Kind BackendBinding: who is what, for which chargers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.model.desired import LOCAL, CredentialsMode, KeepOrClear, OpenTransaction, OwnerDownPolicy
from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import Name, SpecModel
from reconciler.model.kinds.duration import Duration, PositiveDuration
from reconciler.model.kinds.selector import Selector


class BoundBackend(SpecModel):
    """One back-end and the role it has."""

    backend: Name
    role: Name
    credentials: CredentialsMode = "own"
    """passthrough: this back-end is dialled with the station's own credential."""


class Failover(SpecModel):
    """Who takes over from an owner that is down."""

    to: Name
    after: Duration = 30
    back: Literal["auto", "manual"] = "auto"


class HandoverRules(SpecModel):
    """What becomes of what the old owner left in the station; everything is kept unless told otherwise."""

    charging_profiles: KeepOrClear = "keep"
    reservations: KeepOrClear = "keep"
    availability: Literal["keep", "restore"] = "keep"
    """restore: connectors that the old owner made inoperative are put back into operation."""
    local_list: KeepOrClear = "keep"
    display_messages: KeepOrClear = "keep"
    der_controls: KeepOrClear = "keep"


class Flip(SpecModel):
    """How a change of owners is carried out."""

    open_transaction: OpenTransaction = "proceed"
    """What to do while the station has an open transaction."""
    confirm_within: PositiveDuration = 60
    """A flip that is not confirmed by then goes back."""
    handover: HandoverRules = HandoverRules()


class BackendBindingSpec(SpecModel):
    """Who is what, for which chargers."""

    chargers: Selector
    priority: int = 0
    """The higher wins where two bindings select one charger."""
    backends: Annotated[tuple[BoundBackend, ...], Field(strict=False, min_length=1)]
    when_owner_is_down: OwnerDownPolicy = "close"
    failover: Failover | None = None
    flip: Flip = Flip()
    reconcile: Literal["active", "paused"] = "active"
    """paused: the controller leaves these chargers alone; it heals no drift, and what is applied waits."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [bound.backend for bound in self.backends]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise InvalidValue(f"backend {repeated} is bound twice", hint="one back-end has one role on a charger")
        if self.when_owner_is_down == "failover" and self.failover is None:
            raise InvalidValue("whenOwnerIsDown is failover, but to whom?", hint="add failover: {to: BACKEND}")
        if self.failover is not None and self.failover.to not in (*names, LOCAL):
            raise InvalidValue(
                f"failover.to names {self.failover.to}, which is not in backends",
                hint=f"use one of {', '.join(dict.fromkeys((*names, LOCAL)))}",
            )
        return self
