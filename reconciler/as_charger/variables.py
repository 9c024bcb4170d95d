"""Variables of OCPP 2.x that a back-end sets on its leg: SetVariables.

BasicAuthPassword is write-only and takes effect with a new connection (A01), NetworkConfigurationPriority with the next
reset (B09, B10). Identity and SecurityProfile can't be set: the one is the spec's, the other a network profile's. An
item about the station itself that comes in one message with items about the leg is refused: the two can't be carried
out as one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from reconciler.as_charger.asked import BASIC_PROFILES, Asked, Decision
from reconciler.as_charger.configuration16 import ORGANIZATION_MAX
from reconciler.as_charger.passwords import readings
from reconciler.as_charger.settings import LegSettings
from reconciler.model.desired import DECLARED_SLOT

SIGNING_WAIT_MAX_S: Final = 86_400
SIGNING_REPEATS_MAX: Final = 20

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
    known = {*before.networks, str(DECLARED_SLOT)}
    if not known.issuperset(slots) or len(set(slots)) < len(slots):
        return "Rejected", ()
    return "RebootRequired", (replace(before, priority=tuple(map(int, slots)), restart_due=True),)


def _wait_minimum(asked: Asked, value: str, before: LegSettings) -> Outcome:
    seconds = _whole(value, SIGNING_WAIT_MAX_S)
    return ("Accepted", (replace(before, signing_wait_minimum_s=seconds),)) if seconds else ("Rejected", ())


def _repeat_times(asked: Asked, value: str, before: LegSettings) -> Outcome:
    times = _whole(value, SIGNING_REPEATS_MAX)
    return ("Rejected", ()) if times is None else ("Accepted", (replace(before, signing_repeat_times=times),))


def _whole(value: str, largest: int) -> int | None:
    number = int(value) if value.isdecimal() and len(value) <= len(str(largest)) else None
    return number if number is not None and number <= largest else None


_SETTERS: Final[Mapping[str, Callable[[Asked, str, LegSettings], Outcome]]] = {
    "basicauthpassword": _password,
    "organizationname": _organization,
    "networkconfigurationpriority": _priority,
    "certsigningwaitminimum": _wait_minimum,
    "certsigningrepeattimes": _repeat_times,
}


def _result(item: Item, status: str) -> dict[str, Any]:
    repeated = {key: item[key] for key in ("attributeType", "component", "variable") if key in item}
    return {"attributeStatus": status, **repeated}


def name_of(item: Item, part: str) -> str:
    """Return the name of an item's component or variable, in lower case; "" where it has none."""
    named = item.get(part)
    return str(named.get("name", "")).lower() if isinstance(named, Mapping) else ""
