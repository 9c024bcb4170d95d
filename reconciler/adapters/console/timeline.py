"""The timeline of a charger: who was in charge of what, and when it was connected, as lanes of a picture."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from reconciler.adapters.console.wording import feature_list
from reconciler.model.features import FEATURES
from reconciler.model.history import HistoryEvent

SPAN: Final = timedelta(hours=24)
SHORTEST: Final = timedelta(minutes=2)


class Stretch(msgspec.Struct, frozen=True):
    """One owner for a while; `start` and `width` in percent of the whole."""

    owner: str
    start: float
    width: float
    since: datetime
    until: datetime


class Lane(msgspec.Struct, frozen=True):
    """Features that always had the same owner together."""

    name: str
    stretches: tuple[Stretch, ...]


class Timeline(msgspec.Struct, frozen=True):
    """Lanes from `since` to `until`; `away` are the times without a connection."""

    since: datetime
    until: datetime
    lanes: tuple[Lane, ...]
    away: tuple[Stretch, ...]

    @property
    def told(self) -> str:
        """Return the picture in words."""
        parts = []
        for lane in self.lanes:
            owners = ", then ".join(f"{found.owner} from {found.since:%H:%M}" for found in lane.stretches)
            parts.append(f"{lane.name}: {owners}")
        gaps = f"; not connected {len(self.away)} times" if self.away else ""
        return f"Times in UTC. {'; '.join(parts)}{gaps}"


def timeline(events: Iterable[HistoryEvent], owners: Mapping[str, str], now: datetime) -> Timeline:
    """Return the picture of the last day, from events of one charger since then and who owns what now."""
    ordered = sorted((event for event in events if event.at <= now), key=lambda event: (event.at, event.seq))
    first = ordered[0].at if ordered else now
    since = min(max(first, now - SPAN), now - SHORTEST)
    changes = _changes(ordered, owners)
    grouped: dict[tuple[tuple[datetime, str], ...], list[str]] = {}
    for feature, told in changes.items():
        grouped.setdefault(tuple(told), []).append(feature)
    ranked = sorted(grouped.items(), key=lambda found: -len(found[1]))
    lanes = tuple(
        Lane(
            ("Everything else" if len(ranked) > 1 else "Everything")
            if not rank
            else feature_list(features).capitalize(),
            _stretches(told, since, now),
        )
        for rank, (told, features) in enumerate(ranked)
    )
    return Timeline(since, now, lanes, _away(ordered, since, now))


def _changes(ordered: Sequence[HistoryEvent], owners: Mapping[str, str]) -> dict[str, list[tuple[datetime, str]]]:
    """Return for each feature (since when, who), oldest first; who came before the first change stands at its start."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for feature in FEATURES:
        told: list[tuple[datetime, str]] = []
        for event in ordered:
            for move in event.details.get("moves", ()) if event.kind == "flip" else ():
                if feature in move["features"]:
                    told = told or [(datetime.min.replace(tzinfo=event.at.tzinfo), move["before"])]
                    told.append((event.at, move["after"]))
        if not told and feature in owners and ordered:
            told = [(datetime.min.replace(tzinfo=ordered[0].at.tzinfo), owners[feature])]
        if told:
            found[feature] = told
    return found


def _stretches(told: Sequence[tuple[datetime, str]], since: datetime, until: datetime) -> tuple[Stretch, ...]:
    ends = [*(start for start, _ in told[1:]), until]
    spans = ((owner, max(start, since), min(end, until)) for (start, owner), end in zip(told, ends, strict=True))
    return tuple(_stretch(owner, start, end, since, until) for owner, start, end in spans if end > start)


def _away(ordered: Sequence[HistoryEvent], since: datetime, until: datetime) -> tuple[Stretch, ...]:
    found, gone = [], None
    for event in ordered:
        if event.kind == "station-gone":
            gone = gone or event.at
        elif event.kind == "station-connected" and gone is not None:
            found.append((gone, event.at))
            gone = None
    if gone is not None:
        found.append((gone, until))
    return tuple(_stretch("", max(start, since), end, since, until) for start, end in found if end > since)


def _stretch(owner: str, start: datetime, end: datetime, since: datetime, until: datetime) -> Stretch:
    whole = (until - since).total_seconds()
    left, width = (start - since).total_seconds() / whole * 100, (end - start).total_seconds() / whole * 100
    return Stretch(owner, round(left, 3), round(width, 3), start, end)
