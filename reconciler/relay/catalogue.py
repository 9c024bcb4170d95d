"""The action catalogue: for every OCPP version and action, whose feature it is and how it may be treated.

One row an action in `actions.csv`; the columns are explained in the design's README.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final


@dataclass(frozen=True, slots=True)
class Action:
    """One action of one OCPP version."""

    name: str
    feature: str
    from_station: bool
    from_csms: bool
    is_send: bool
    """SEND (2.1): unconfirmed, answered by nobody."""
    read_only: bool
    transaction_message: bool
    """Never answered with CALLERROR for the relay's own trouble (R11)."""
    terminates: str
    """When this action concerns a leg itself (R13); "" never."""
    refusal: str
    """The schema-valid refusal, as the catalogue writes it; "" for actions that only stations send."""


def _read() -> Mapping[str, Mapping[str, Action]]:
    table: dict[str, dict[str, Action]] = {}
    text = resources.files(__package__).joinpath("actions.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        table.setdefault(f"ocpp{row['version']}", {})[row["action"]] = Action(
            name=row["action"],
            feature=row["feature"],
            from_station=row["direction"] in ("CP->CSMS", "both"),
            from_csms=row["direction"] in ("CSMS->CP", "both"),
            is_send=row["frame"] == "SEND",
            read_only=row["read_only"] == "yes",
            transaction_message=row["transaction_message"] == "yes",
            terminates=row["terminates"],
            refusal=row["schema_valid_refusal"],
        )
    return table


CATALOGUE: Final = _read()
"""Subprotocol ("ocpp1.6") -> action name -> Action."""

UNKNOWN_ACTION_FEATURE: Final = "provisioning"
"""Actions that no catalogue row names go to whoever owns the charger's base relation."""


def feature_of(version: str, action: str) -> str:
    """Return the feature that `action` belongs to in `version` (a subprotocol)."""
    row = CATALOGUE[version].get(action)
    return row.feature if row else UNKNOWN_ACTION_FEATURE
