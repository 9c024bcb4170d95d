"""The list of chargers: what a reader asked to see of a picture of the fleet, page by page."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from reconciler.adapters.console import wording
from reconciler.app.fleet_board import Picture
from reconciler.app.status import ChargerStatus
from reconciler.model.live import LegPhase
from reconciler.planning.drift import State

PAGE_ROWS: Final = 50
AT_ONCE: Final = 250
"""Chargers gone through in one turn of the event loop, a millisecond or two."""
QUERY_MAX: Final = 200

Predicate = Callable[[ChargerStatus], bool]


def _online(status: ChargerStatus) -> bool:
    return status.live is not None and status.live.connected


def _charging(status: ChargerStatus) -> bool:
    return status.live is not None and bool(status.live.transactions)


def _toggled(status: ChargerStatus) -> bool:
    return status.override is not None


def _attention(status: ChargerStatus) -> bool:
    return status.standing.needs_attention


SHOWS: Final[Mapping[str, tuple[str, Predicate]]] = {
    "all": ("All", lambda status: True),
    "online": ("Online", _online),
    "offline": ("Offline", lambda status: not _online(status)),
    "charging": ("Open transaction", _charging),
    "toggled": ("Toggled", _toggled),
    "attention": ("Needs attention", _attention),
}
"""What one can choose to see -> its name, and who belongs there."""


class FleetQuery(msgspec.Struct, frozen=True):
    """What a reader asked for; "" where they did not care. `page` counts from 1."""

    text: str = ""
    show: str = "all"
    state: str = ""
    owner: str = ""
    label: str = ""
    page: int = 1

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "FleetQuery":
        """Return what a URL's query asks for; what makes no sense is as if it were not there."""
        text, page = given.get("q", "").strip()[:QUERY_MAX], given.get("page", "1")
        show, state = given.get("show", "all"), given.get("state", "")
        return cls(
            text,
            show if show in SHOWS else "all",
            state if state in list(State) else "",
            given.get("owner", "")[:QUERY_MAX],
            given.get("label", "")[:QUERY_MAX],
            int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 7 and int(page) else 1,
        )

    def url(self, **changes: str | int) -> str:
        """Return the query of a URL that asks for this with `changes`; any change goes back to the first page."""
        wanted = replace(self, **{"page": 1, **changes})
        given = {"q": wanted.text, "show": wanted.show, "state": wanted.state, "owner": wanted.owner}
        given |= {"label": wanted.label, "page": str(wanted.page)}
        silent = {"show": "all", "page": "1"}
        return urlencode({name: value for name, value in given.items() if value and value != silent.get(name)})

    def matches(self, status: ChargerStatus) -> bool:
        """Tell whether a charger is asked for, leaving `show` aside."""
        if self.state and status.standing.state != self.state:
            return False
        if self.owner and self.owner not in owners_of(status).values():
            return False
        labels = status.desired.labels if status.desired else {}
        if self.label and self.label not in (f"{key}={value}" for key, value in labels.items()):
            return False
        if not self.text:
            return True
        words = (status.name, status.desired.identity if status.desired else "", *labels.values())
        return any(self.text.casefold() in word.casefold() for word in words)


class Row(msgspec.Struct, frozen=True):
    """One charger in the list."""

    name: str
    identity: str
    online: bool
    state: State
    state_word: str
    owners: tuple[tuple[str, str], ...]
    legs: int
    legs_registered: int
    transactions: int
    status: ChargerStatus
    labels: Mapping[str, str]


class FleetView(msgspec.Struct, frozen=True):
    """A page of the list: its rows, how many match in all, and how many there are to choose from under each name."""

    query: FleetQuery
    rows: tuple[Row, ...]
    matching: int
    pages: int
    tally: tuple[tuple[str, str, int], ...]
    """(show, name, how many) for each of SHOWS."""
    fleet: int
    owners: tuple[str, ...]
    labels: tuple[str, ...]


def owners_of(status: ChargerStatus) -> Mapping[str, str]:
    """Return who owns what on a charger: as it runs where it is connected, else as it will."""
    if status.live is not None and status.live.owners is not None:
        return status.live.owners
    return status.desired.owners if status.desired is not None else {}


async def view(picture: Picture, query: FleetQuery, select: Mapping[str, str]) -> FleetView:
    """Return the page that `query` asks for, of chargers with the labels `select`; one beyond the last is the last.

    A large fleet is gone through a few hundred chargers at a time: frames are forwarded on the same event loop.
    """
    tally, choices = dict.fromkeys(SHOWS, 0), _Choices()
    fleet, shown = 0, []
    for position, status in enumerate(picture.chargers.values(), 1):
        if position % AT_ONCE == 0:
            await asyncio.sleep(0)
        if select and not _has(status, select):
            continue
        fleet += 1
        choices.see(status)
        if not query.matches(status):
            continue
        for show, (_, belongs) in SHOWS.items():
            tally[show] += belongs(status)
        if SHOWS[query.show][1](status):
            shown.append(status)
    pages = max(1, -(-len(shown) // PAGE_ROWS))
    page = min(query.page, pages)
    first = (page - 1) * PAGE_ROWS
    return FleetView(
        replace(query, page=page),
        tuple(map(_row, shown[first : first + PAGE_ROWS])),
        len(shown),
        pages,
        tuple((show, name, tally[show]) for show, (name, _) in SHOWS.items()),
        fleet,
        choices.owners(),
        tuple(sorted(choices.labels)),
    )


def _has(status: ChargerStatus, select: Mapping[str, str]) -> bool:
    labels = status.desired.labels if status.desired is not None else {}
    return all(labels.get(label) == value for label, value in select.items())


class _Choices:
    """The owners and labels that there are to choose from; chargers of one binding share their owners' object."""

    def __init__(self) -> None:
        self.labels: set[str] = set()
        self._owned: dict[int, Mapping[str, str]] = {}

    def see(self, status: ChargerStatus) -> None:
        owned = owners_of(status)
        self._owned.setdefault(id(owned), owned)
        self.labels.update(f"{key}={value}" for key, value in (status.desired.labels if status.desired else {}).items())

    def owners(self) -> tuple[str, ...]:
        return tuple(sorted({name for owned in self._owned.values() for name in owned.values()}))


def _row(status: ChargerStatus) -> Row:
    live, desired = status.live, status.desired
    legs = live.legs if live is not None else ()
    return Row(
        status.name,
        desired.identity if desired else "",
        _online(status),
        status.standing.state,
        wording.STATE_WORDS[status.standing.state],
        tuple(wording.by_owner(owners_of(status))),
        len(legs),
        sum(leg.phase is LegPhase.REGISTERED for leg in legs),
        len(live.transactions) if live is not None else 0,
        status,
        desired.labels if desired else {},
    )
