"""What a station says of its availability by NotifyEvent, in 2.1 in place of StatusNotification (R9).

OCPP 2.1, B01.FR.05. Kept as the station wrote it, the last of each place, so that a back-end that comes later hears it
as it would have.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reconciler.relay.envelope import UNREADABLE, Frame
from reconciler.relay.shapes import EventReport, PlacedEvent

NOTIFY_EVENT: Final = "NotifyEvent"
_VARIABLE: Final = "AvailabilityState"
_NAMED: Final = b"AvailabilityState"
_PLACES_MAX: Final = 256
"""Of one charger; past that the place of which was heard least lately is forgotten (R15)."""

_REPORT: Final = msgspec.json.Decoder(EventReport)
_EVENT: Final = msgspec.json.Decoder(PlacedEvent)


class ReportedAvailability:
    """Place -> the last event about its availability, oldest first."""

    __slots__ = ("_at", "_events")

    def __init__(self) -> None:
        self._events: dict[str, bytes] = {}
        self._at = b'""'

    def clear(self) -> None:
        """Forget all: the station booted, and says it anew."""
        self._events.clear()

    def reported(self, frame: Frame) -> bool:
        """Read a NotifyEvent of the station; returns True where it told of availability."""
        payload = bytes(frame.payload)
        if _NAMED not in payload:
            return False
        try:
            report = _REPORT.decode(payload)
            told = [(_place(_EVENT.decode(event)), bytes(event)) for event in report.eventData]
        except UNREADABLE:
            return False
        told = [(place, event) for place, event in told if place]
        for place, event in told:
            self._events.pop(place, None)
            self._events[place] = event
        while len(self._events) > _PLACES_MAX:
            del self._events[next(iter(self._events))]
        if told:
            self._at = bytes(report.generatedAt)
        return bool(told)

    def payload(self) -> bytes | None:
        """Return a NotifyEvent of all that stands, None where nothing was told."""
        if not self._events:
            return None
        return b'{"generatedAt":%b,"seqNo":0,"eventData":[%b]}' % (self._at, b",".join(self._events.values()))

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON data, {} where nothing was told."""
        if not self._events:
            return {}
        return {"at": self._at.decode(), "events": {place: event.decode() for place, event in self._events.items()}}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take back what `snapshot` returned."""
        if not snapshot:
            return
        self._at = str(snapshot["at"]).encode()
        self._events = {str(place): str(event).encode() for place, event in snapshot["events"].items()}


def _place(event: PlacedEvent) -> str:
    """Return what an event is about, "" where that is not availability."""
    if event.variable.name != _VARIABLE:
        return ""
    of = event.component
    return f"{of.name}/{of.instance}/{of.evse.id}/{of.evse.connectorId}"
