"""Drift origins: who made a charger differ from what is applied, as far as history and the session itself tell."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from reconciler.model.history import HistoryEvent
from reconciler.model.live import LiveCharger
from reconciler.planning.drift import Standing, State

REFUSED_FLIP = "flip-refused"
LEG_CHANGED = "leg-changed"


class Origin(msgspec.Struct, frozen=True):
    """Who it was and why; `at` None where the time is not known."""

    who: str
    why: str = ""
    at: datetime | None = None


class LegChange(msgspec.Struct, frozen=True):
    """What a back-end has itself set on its leg, over what the spec says: OCPP lets it, so it is told and no drift."""

    charger: str
    backend: str
    live: str
    """Fingerprints, for people."""
    origin: Origin


def newest_by_charger(events: Iterable[HistoryEvent]) -> dict[str, HistoryEvent]:
    """Return the first event of each charger; `events` are newest first, as history gives them."""
    newest: dict[str, HistoryEvent] = {}
    for event in events:
        newest.setdefault(event.charger, event)
    return newest


def origin_of(
    standing: Standing, live: LiveCharger | None, refusals: Mapping[str, HistoryEvent], because: str
) -> Origin | None:
    """Return who is behind a charger's drift, None where nobody that is known asked for what it runs.

    A refused one: who asked for what was refused, by the newest of `refusals`. A drifted one: what its session says it
    runs for (a toggle, an outage), where that is not `because`, for which it is to run.
    """
    if standing.state is State.REFUSED:
        event = refusals.get(standing.charger)
        return Origin(event.actor, event.reason, event.at) if event is not None else None
    if live is not None and live.because and live.because != because:
        return Origin(live.because)
    return None


def leg_changes(charger: LiveCharger, changes: Iterable[HistoryEvent]) -> tuple[LegChange, ...]:
    """Return what back-ends have set on this charger's legs; `changes` are its leg-changed events, newest first."""
    newest: dict[str, HistoryEvent] = {}
    for event in changes:
        newest.setdefault(event.actor, event)
    found = []
    for leg in charger.legs:
        if leg.credential:
            change = newest.get(leg.backend)
            origin = Origin(leg.backend, change.summary, change.at) if change else Origin(leg.backend)
            found.append(LegChange(charger.name, leg.backend, leg.credential, origin))
    return tuple(found)
