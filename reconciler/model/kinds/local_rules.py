"""Kinds NotificationRule and LoadPolicy: what the local back-end does where it owns the feature."""

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from reconciler.model.kinds.base import SpecModel, UniqueItems
from reconciler.model.kinds.contact import Contact
from reconciler.model.kinds.selector import Selector

Event = Literal["charger-offline", "connector-faulted", "backend-down", "flip"]

_AS_WRITTEN = PlainSerializer(lambda value: int(value) if value == int(value) else value)
"""300 in the spec is 300 in the dump, not 300.0."""


class NotificationRuleSpec(SpecModel):
    """Sent by `local`, only for chargers where local owns the feature of the event."""

    chargers: Selector
    on: Annotated[UniqueItems[Event], Field(min_length=1)]
    to: Annotated[tuple[Contact, ...], Field(strict=False, min_length=1)]


class LoadPolicySpec(SpecModel):
    """Applied by `local`, only where local owns smart-charging."""

    chargers: Selector
    limit_kw: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False), _AS_WRITTEN]
    """What all selected chargers together may draw."""
    per_charger_min_kw: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False), _AS_WRITTEN] = 0
    """Below this a charger is paused rather than slowed down."""
    strategy: Literal["equal", "priority"] = "equal"
