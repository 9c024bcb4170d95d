"""Kind Role: what a back-end may do on a charger."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from reconciler.model.features import EVERY_FEATURE, FEATURES
from reconciler.model.kinds.base import Items, SpecModel, UniqueItems

BUILT_IN_ROLES: Final = ("primary", "passive", "standby", "off")
"""Role names that every site has; a Role document cannot redefine them."""

_ORDER: Final = {feature: position for position, feature in enumerate((EVERY_FEATURE, *FEATURES))}

Feature = Literal[
    "*",
    "provisioning",
    "security",
    "authorization",
    "local-auth-list",
    "transactions",
    "remote-control",
    "availability",
    "reservation",
    "tariff-and-cost",
    "metering",
    "smart-charging",
    "firmware",
    "certificates",
    "diagnostics",
    "display",
    "data-transfer",
    "bidirectional-power",
    "der-control",
    "battery-swap",
]


def _in_order(features: tuple[str, ...]) -> tuple[str, ...]:
    """Sort: the order of features in a role means nothing, so it must not be a change either."""
    return tuple(sorted(features, key=_ORDER.__getitem__))


Features = Annotated[UniqueItems[Feature], AfterValidator(_in_order)]


class VendorMessageSpec(SpecModel):
    """DataTransfer messages by globs."""

    vendor_id: Annotated[str, Field(min_length=1, max_length=255)]
    message_id: Annotated[str, Field(min_length=1, max_length=255)] = "*"


class RoleSpec(SpecModel):
    """What a back-end may do on a charger."""

    owns: Features = ()
    """Features that it answers and commands; "*" is every feature that nobody else owns by name."""
    observes: Features = (EVERY_FEATURE,)
    """Features whose station messages it gets a copy of."""
    may_read: bool = False
    """Allow read-only commands without owning the feature."""
    vendor_messages: Items[VendorMessageSpec] = ()
    """DataTransfer that it owns."""
