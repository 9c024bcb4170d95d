"""Variables of OCPP 2.x that are about the leg: SetVariables, and what GetVariables reads back.

BasicAuthPassword is write-only and takes effect with a new connection (A01), NetworkConfigurationPriority with the next
reset (B09, B10). Identity and SecurityProfile can't be set: the one is the spec's, the other a network profile's. An
item about the station itself that comes in one message with items about the leg is refused: the two can't be carried
out as one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.as_charger.asked import BASIC_PROFILES, Asked, Decision
from reconciler.as_charger.configuration16 import ORGANIZATION_MAX
from reconciler.as_charger.passwords import readings
from reconciler.as_charger.settings import LegSettings

Item = Mapping[str, Any]
Outcome = tuple[str, tuple[LegSettings, ...]]
"""An item's status, and the settings that it leads to, () for none."""


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
            reconnect = reconnect or (asked.profile in BASIC_PROFILES and found[0].password != asked.settings.password)
    return Decision({"setVariableResult": results}, candidates, reconnect) if results else None


def _set(asked: Asked, item: Item, before: tuple[LegSettings, ...]) -> Outcome:
    if item.get("attributeType", "Actual") != "Actual":
        return "NotSupportedAttributeType", ()
    variable, value = name_of(item, "variable"), item.get("attributeValue")
    setter = _SETTERS.get(variable) if name_of(item, "component") in ("securityctrlr", "ocppcommctrlr") else None
    return setter(asked, value, before[0]) if setter is not None and isinstance(value, str) else ("Rejected", ())


def _password(asked: Asked, value: str, before: LegSettings) -> Outcome:
    passwords = readings(asked.version, value)
    return ("Accepted", (replace(before, password=passwords[0]),)) if passwords else ("Rejected", ())


def _organization(asked: Asked, value: str, before: LegSettings) -> Outcome:
    fits = 0 < len(value) <= ORGANIZATION_MAX
    return ("Accepted", (replace(before, organization=value),)) if fits else ("Rejected", ())


def _priority(asked: Asked, value: str, before: LegSettings) -> Outcome:
    slots = [slot.strip() for slot in value.split(",")]
    if not all(slot in before.networks for slot in slots) or len(set(slots)) < len(slots):
        return "Rejected", ()
    return "RebootRequired", (replace(before, priority=tuple(map(int, slots)), restart_due=True),)


_SETTERS: Final[Mapping[str, Callable[[Asked, str, LegSettings], Outcome]]] = {
    "basicauthpassword": _password,
    "organizationname": _organization,
    "networkconfigurationpriority": _priority,
}


def get_variables(asked: Asked) -> Decision:
    """Answer GetVariablesRequest for variables of the leg alone; the password is write-only."""
    values = {
        "securityprofile": str(asked.profile),
        "identity": asked.identity,
        "organizationname": asked.settings.organization or "",
        "networkconfigurationpriority": ",".join(map(str, asked.settings.priority)),
    }
    results = []
    for item in asked.payload.get("getVariableData", ()):
        value = values.get(name_of(item, "variable"))
        if item.get("attributeType", "Actual") != "Actual":
            results.append(_result(item, "NotSupportedAttributeType"))
        elif not value:
            results.append(_result(item, "Rejected"))
        else:
            results.append({**_result(item, "Accepted"), "attributeValue": value})
    return Decision({"getVariableResult": results})


def _result(item: Item, status: str) -> dict[str, Any]:
    repeated = {key: item[key] for key in ("attributeType", "component", "variable") if key in item}
    return {"attributeStatus": status, **repeated}


def name_of(item: Item, part: str) -> str:
    """Return the name of an item's component or variable, in lower case; "" where it has none."""
    named = item.get(part)
    return str(named.get("name", "")).lower() if isinstance(named, Mapping) else ""
