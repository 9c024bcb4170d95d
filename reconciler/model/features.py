"""Features: the unit of ownership, one vocabulary for all OCPP versions (design: spec-language, "Features")."""

from collections.abc import Mapping
from typing import Final

FEATURES: Final[tuple[str, ...]] = (
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
)
"""Every feature, in the order plans and status print them."""

FEATURE_SET: Final[frozenset[str]] = frozenset(FEATURES)

EVERY_FEATURE: Final = "*"
"""In a role: every feature that nobody else owns by name (owns), or simply all (observes)."""

OCPP_VERSIONS: Final[tuple[str, ...]] = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
"""WebSocket subprotocols that the relay speaks, newest first."""

RESIDUE_FEATURES: Final[Mapping[str, str]] = {
    "charging-profile": "smart-charging",
    "reservation": "reservation",
    "availability": "availability",
    "local-list": "local-auth-list",
    "firmware-job": "firmware",
    "log-job": "diagnostics",
    "display-message": "display",
    "der-control": "der-control",
    "tariff": "tariff-and-cost",
    "monitor": "diagnostics",
    "configuration": "provisioning",
}
"""What a back-end may leave in a station (R14) -> the feature whose owner it belongs to."""
