"""Kinds NotificationRule and LoadPolicy: what the local back-end does where it owns the feature."""

from typing import Annotated, Literal, Self

from pydantic import Field, PlainSerializer, model_validator

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import SpecModel, UniqueItems
from reconciler.model.kinds.contact import Contact
from reconciler.model.kinds.duration import Duration, PositiveDuration
from reconciler.model.kinds.selector import Selector
from reconciler.model.local_rules import RELAY_EVENTS

Event = Literal[
    "charger-offline",
    "connector-faulted",
    "backend-down",
    "load-exceeded",
    "flip",
    "security-event",
    "firmware-failed",
    "certificate-expires",
    "relay-security-event",
    "relay-certificate-expires",
]
_AS_WRITTEN = PlainSerializer(lambda value: int(value) if value == int(value) else value)
"""300 in the spec is 300 in the dump, not 300.0."""

_Kilowatts = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False), _AS_WRITTEN]
_PositiveKilowatts = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False), _AS_WRITTEN]


class NotificationRuleSpec(SpecModel):
    """Sent by `local`, only for chargers where local owns the feature of the event; what is the relay's own, always."""

    chargers: Selector | None = None
    """Needed by every event but those of the relay itself (`relay-...`), which are about no charger."""
    on: Annotated[UniqueItems[Event], Field(min_length=1)]
    """What to tell about."""
    to: Annotated[tuple[Contact, ...], Field(strict=False, min_length=1)]
    after: Duration = 60
    """So long a trouble has to last before anybody is told."""
    recovery: bool = True
    """Tell once when it is over, whoever was told that it began."""
    at_most_per_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    """More than this a recipient gets as one digest."""

    @model_validator(mode="after")
    def _has_chargers_where_it_needs_them(self) -> Self:
        of_chargers = [event for event in self.on if event not in RELAY_EVENTS]
        if of_chargers and self.chargers is None:
            raise InvalidValue(
                f"needs chargers: on which ones is {of_chargers[0]} told?",
                hint='chargers: {names: ["*"]} means all of them',
            )
        if self.chargers is not None and not of_chargers:
            raise InvalidValue(
                f"has chargers, and {', '.join(self.on)} is about none",
                hint="leave chargers out, or tell about an event of chargers, too",
            )
        return self


class LoadPolicySpec(SpecModel):
    """Applied by `local`, only where local owns smart-charging."""

    chargers: Selector
    limit_kw: _PositiveKilowatts
    """What all selected chargers together may draw."""
    per_charger_min_kw: _Kilowatts = 0
    """Below this a charger is paused rather than slowed down; an idle one keeps it, where it fits."""
    per_charger_max_kw: _PositiveKilowatts | None = None
    """What one of them is built for, where its label max-kw does not say so; without either: the whole limit."""
    strategy: Literal["equal", "priority"] = "equal"
    """priority: by the label `priority` of each charger, a whole number; the higher is served first."""
    not_governed: Literal["measured", "rated"] = "measured"
    """What counts of a charger on which local does not own smart-charging: what it draws, or what it is built for."""
    reserve_kw: _Kilowatts = 0
    """Kept free, for what those may add before the others are lowered."""
    stale_after: PositiveDuration = 180
    """A meter value that is older says nothing any more: the worst counts."""
    rate_unit: Literal["W", "A"] = "W"
    """In what limits are written to the chargers; A is for each of three phases."""
    voltage: Annotated[float, Field(ge=100, le=1000, allow_inf_nan=False), _AS_WRITTEN] = 230
    """Between a phase and neutral, for `rateUnit: A`."""
