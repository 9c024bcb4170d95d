"""The witness: who answered which call, found by comparing the very bytes that each end sent and received."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from reconciler.testing import SimulatedCsms, SimulatedStation
from reconciler.testing.frames import CALL, CALLERROR, CALLRESULT, Envelope, parse

NOBODY: Final = "nobody"
ANYBODY: Final = "anybody"
RELAY: Final = "the relay itself"


class Exchange(msgspec.Struct, frozen=True):
    """One call of a charger, and who answered it."""

    identity: str
    action: str
    answered_by: str


def exchanges(station: SimulatedStation, csmss: Sequence[SimulatedCsms]) -> list[Exchange]:
    """Return the calls that a station sent, in order.

    A back-end answered a call if the frame that the station received is, byte for byte, one that this back-end and
    no other sent: the relay leaves bytes as they are, and each back-end writes JSON in its own way.
    """
    sent_by: dict[bytes, str] = {}
    for csms in csmss:
        for raw in csms.raw("sent", station.identity):
            sent_by[raw] = csms.name if sent_by.get(raw, csms.name) == csms.name else ANYBODY
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
    return found


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
    return sum(a.answered_by != b.answered_by for a, b in pairwise(found))
