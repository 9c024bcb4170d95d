"""Variables of OCPP 2.x that are about the leg: SetVariables, and what GetVariables reads back.

BasicAuthPassword is write-only and takes effect with a new connection (A01). An item about the station itself that
comes in one message with items about the leg is refused: the two can't be carried out as one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.as_charger.asked import BASIC_PROFILES, Asked, Decision
from reconciler.as_charger.passwords import readings
from reconciler.as_charger.settings import LegSettings

Item = Mapping[str, Any]


def set_variables(asked: Asked) -> Decision | None:
    """Decide on SetVariablesRequest, item by item and in order."""
    items = asked.payload.get("setVariableData")
    results: list[dict[str, Any]] = []
    candidates: tuple[LegSettings, ...] = ()
    reconnect = False
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, Mapping):
            continue
        status, found = _set(asked, item, candidates or (asked.settings,))
        results.append(_result(item, status))
        if found:
            candidates = found
            reconnect = reconnect or asked.profile in BASIC_PROFILES
    return Decision({"setVariableResult": results}, candidates, reconnect) if results else None


def _set(asked: Asked, item: Item, before: tuple[LegSettings, ...]) -> tuple[str, tuple[LegSettings, ...]]:
    """Return an item's status, and the settings that it leads to, () for none."""
    if item.get("attributeType", "Actual") != "Actual":
        return "NotSupportedAttributeType", ()
    if (name_of(item, "component"), name_of(item, "variable")) == ("securityctrlr", "basicauthpassword"):
        passwords = readings(asked.version, item.get("attributeValue"))
        return ("Accepted", (replace(before[0], password=passwords[0]),)) if passwords else ("Rejected", ())
    return "Rejected", ()


def _result(item: Item, status: str) -> dict[str, Any]:
    repeated = {key: item[key] for key in ("attributeType", "component", "variable") if key in item}
    return {"attributeStatus": status, **repeated}


def name_of(item: Item, part: str) -> str:
    """Return the name of an item's component or variable, in lower case; "" where it has none."""
    named = item.get(part)
    return str(named.get("name", "")).lower() if isinstance(named, Mapping) else ""
