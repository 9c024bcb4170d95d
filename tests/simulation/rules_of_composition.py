"""One answer that has several owners: every field is its own owner's, and nobody is waited for in vain (R6)."""

from collections.abc import Iterator
from typing import Final

from tests.simulation.calls import StationCall
from tests.simulation.history import CALLRESULT, INPUTS, Record, Said, What, said
from tests.simulation.rules_of_calls import SLACK_S
from tests.simulation.scene import Scene
from tests.simulation.scenery import LIMITS

_FIELDS: Final = {
    "idTagInfo": "authorization",
    "idTokenInfo": "authorization",
    "totalCost": "tariff-and-cost",
    "chargingPriority": "smart-charging",
}


class Compositions:
    """The transactions owner's answer carries the other owners' fields, as far as they answered in time."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.late: set[str] = set()

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what in INPUTS and self.scene.station_open:
            yield from self._overdue(record)
        frame = said(record.raw) if record.what is What.STATION_OUT else None
        if frame is None or frame.kind != CALLRESULT or not frame.trace:
            return
        for call in self.scene.calls.values():
            base = said(call.answers.get(call.owner, b""))
            if call.parts and call.token == frame.token and base is not None and base.trace == frame.trace:
                yield from self._composed(record, frame, call, base)
                return

    def _composed(self, record: Record, frame: Said, call: StationCall, base: Said) -> Iterator[str]:
        for field, feature in _FIELDS.items():
            owner = call.owners[feature]
            theirs = said(call.answers.get(owner, b""))
            if owner in call.asked and theirs is None and record.at < call.at + LIMITS.compose_within_s - SLACK_S:
                yield f"R6: {owner} was not waited for"
            if owner not in call.asked and owner != call.owner:
                continue
            answered = theirs is not None and theirs.kind == CALLRESULT
            wanted = (theirs if answered and theirs is not None else base).payload.get(field)
            if frame.payload.get(field) != wanted:
                yield f"R6: {field} is {owner}'s to say: {wanted}"

    def _overdue(self, record: Record) -> Iterator[str]:
        for call in self.scene.calls.values():
            base = said(call.answers.get(call.owner, b""))
            waiting = call.open and call.asked and base is not None and base.kind == CALLRESULT
            until = max(call.based_at, call.at + LIMITS.compose_within_s)
            if waiting and call.trace not in self.late and record.at > until + SLACK_S:
                self.late.add(call.trace)
                yield f"R6: {call.action} {call.trace} was answered and still waits"
