"""The witness: who answered which call, found by comparing the very bytes that each end sent and received."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.testing import SimulatedCsms, SimulatedStation
from reconciler.testing.frames import CALL, CALLERROR, CALLRESULT, Envelope, parse

NOBODY: Final = "nobody"
RELAY: Final = "the relay itself"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of a charger, and who answered it."""

    identity: str
    action: str
    answered_by: str


def exchanges(station: SimulatedStation, csmss: Sequence[SimulatedCsms], since: int = 0) -> list[Exchange]:
    """Return the calls that a station sent, later than its first `since` of them, in order.

    A back-end answered a call if the frame that the station received is, byte for byte, one that the back-end sent
    it: copies for observers travel under other message ids, so what they answer is never the same frame.
    """
    sent_by = {raw: csms.name for csms in csmss for raw in csms.raw("sent", station.identity)}
    answers: dict[object, bytes] = {}
    for raw in station.raw("received"):
        envelope = parse(raw)
        if isinstance(envelope, Envelope) and envelope.kind in (CALLRESULT, CALLERROR):
            answers[envelope.message_id] = raw
    found = []
    for raw in station.raw("sent"):
        call = parse(raw)
        if isinstance(call, Envelope) and call.kind == CALL:
            answer = answers.get(call.message_id)
            by = NOBODY if answer is None else sent_by.get(answer, RELAY)
            found.append(Exchange(station.identity, call.action, by))
    return found[since:]


def calls_made(fleet: Mapping[str, SimulatedStation]) -> dict[str, int]:
    """Return identity -> how many calls it has made so far: a mark in time, for `since`."""
    return {identity: len(exchanges(station, ())) for identity, station in fleet.items()}


def answerers(found: Iterable[Exchange]) -> dict[str, int]:
    """Return who answered -> how many calls, in order of first appearance."""
    return dict(Counter(exchange.answered_by for exchange in found))


def by_action(found: Iterable[Exchange]) -> dict[str, dict[str, int]]:
    """Return action -> who answered -> how many."""
    table: dict[str, dict[str, int]] = {}
    for exchange in found:
        row = table.setdefault(exchange.action, {})
        row[exchange.answered_by] = row.get(exchange.answered_by, 0) + 1
    return table


def handovers(found: Sequence[Exchange]) -> int:
    """Return how often one answerer took over from another: 1 for a clean flip."""
    return sum(a.answered_by != b.answered_by for a, b in zip(found, found[1:], strict=False))
