"""Faults that stations report by NotifyEvent (2.0.1, and in 2.1 in place of StatusNotification), as last heard.

Two variables say that something is broken: AvailabilityState, of a connector, an EVSE or the whole station, and
Problem, of any component. Other alerts say that a monitor's limit was passed; what that means only who set it knows.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_PLACES_MAX: Final = 64
"""Of one charger; a station that makes components up does not fill the memory."""
_TEXT_MAX: Final = 60


class ReportedFault(msgspec.Struct, frozen=True):
    """What a station last said of one place: whether it is broken, and in words which and why."""

    stands: bool
    detail: str


class ReportedFaults:
    """Charger -> place ("1/2" is EVSE 1, connector 2, as of a StatusNotification) -> what was last said of it."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, ReportedFault]] = {}

    def take(self, charger: str, payload: Mapping[str, Any]) -> None:
        """Take a NotifyEvent; what can't be read in it is passed over."""
        events = payload.get("eventData")
        for event in events if isinstance(events, list) else ():
            if isinstance(event, Mapping):
                self._take(charger, event)

    def of(self, charger: str) -> Mapping[str, ReportedFault]:
        """Return what a charger last said, by place."""
        return self._said.get(charger, {})

    def forget(self, charger: str) -> None:
        """Forget what a charger said: it booted, and says it anew."""
        self._said.pop(charger, None)

    def _take(self, charger: str, event: Mapping[str, Any]) -> None:
        variable, component = _name(event.get("variable")), _name(event.get("component"))
        value, cleared = str(event.get("actualValue", "")), event.get("cleared") is True
        if variable == "AvailabilityState":
            stands = value == "Faulted"
        elif variable == "Problem":
            stands = value.lower() == "true"
        else:
            return
        evse, connector = _place(event.get("component"))
        where = f"{evse}/{connector}" + (f"/{component}" if variable == "Problem" else "")
        said = self._said.setdefault(charger, {})
        if where in said or len(said) < _PLACES_MAX:
            said[where] = ReportedFault(stands and not cleared, _words(evse, connector, component, variable, event))


def _name(of: Any) -> str:
    return str(of.get("name", ""))[:_TEXT_MAX] if isinstance(of, Mapping) else ""


def _place(component: Any) -> tuple[int, int]:
    """Return EVSE and connector, 0 where it is about all of them."""
    evse = component.get("evse") if isinstance(component, Mapping) else None
    if not isinstance(evse, Mapping):
        return 0, 0
    found = evse.get("id"), evse.get("connectorId")
    return found[0] if isinstance(found[0], int) else 0, found[1] if isinstance(found[1], int) else 0


def _words(evse: int, connector: int, component: str, variable: str, event: Mapping[str, Any]) -> str:
    place = (f"EVSE {evse}" + (f", connector {connector}" if connector else "")) if evse else "the whole station"
    codes = [str(event[code])[:_TEXT_MAX] for code in ("techCode", "techInfo") if event.get(code)]
    return ", ".join([place, *([f"{component} has a problem"] if variable == "Problem" else []), *codes])
