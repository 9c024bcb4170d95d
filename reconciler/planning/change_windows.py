"""Change windows: whether live chargers may be disrupted now, and if not, when.

A charger that no window selects may change at any time. A `deny` window that is open forbids; where `allow` windows
select a charger, one of them must be open; `deny` wins over `allow`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from reconciler.model.desired import DesiredCharger
from reconciler.model.kinds import ChangeWindowSpec, Selector
from reconciler.model.plan import Block
from reconciler.model.site import Resource
from reconciler.model.windows import Window

CHANGE_WINDOW: Final = "change-window"
_BOUNDARIES_TRIED: Final = 1000
"""Openings and closings looked at for one that lets everything through; beyond, nobody waits that long."""


class _Rules(msgspec.Struct, frozen=True):
    """The windows that select one charger, by address."""

    allow: tuple[tuple[str, Window], ...]
    deny: tuple[tuple[str, Window], ...]

    def obstacle(self, at: datetime) -> str:
        """Return what forbids a change at `at`, "" where nothing does."""
        for address, window in self.deny:
            if window.holds_at(at):
                return f"{address} is open"
        if self.allow and not any(window.holds_at(at) for _, window in self.allow):
            return (
                f"{' and '.join(address for address, _ in self.allow)} {'is' if len(self.allow) == 1 else 'are'} closed"
            )
        return ""


class Closed(msgspec.Struct, frozen=True):
    """Why a charger may not change now, and when it may, None where that is too far away to tell."""

    obstacle: str
    eligible_at: datetime | None


class ChangeWindows:
    """All change windows of a site; false where it has none."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._specs = [
            (str(resource.address), resource.spec, resource.spec.window.window)
            for resource in resources
            if isinstance(resource.spec, ChangeWindowSpec)
        ]
        self._eligible: dict[_Rules, datetime | None] = {}
        """As last worked out: it stays right until it has passed."""

    def __bool__(self) -> bool:
        return bool(self._specs)

    def closed(self, charger: DesiredCharger, now: datetime) -> Closed | None:
        """Return why this charger may not be disrupted at `now`, None where it may."""
        rules = _rules_for(charger, self._specs)
        obstacle = rules.obstacle(now)
        if not obstacle:
            return None
        known = self._eligible.get(rules)
        if known is None or known <= now:
            known = self._eligible[rules] = _eligible_at([rules], [window for *_, window in self._specs], now)
        return Closed(obstacle, known)

    def blocks(self, disrupted: Sequence[DesiredCharger], now: datetime) -> Iterator[Block]:
        """Yield a block where a window forbids to disrupt one of these chargers at `now`."""
        rules = {charger.name: _rules_for(charger, self._specs) for charger in disrupted}
        obstacles = {name: obstacle for name, rule in rules.items() if (obstacle := rule.obstacle(now))}
        if obstacles:
            who = f"{len(obstacles)} live charger{'' if len(obstacles) == 1 else 's'}"
            yield Block(
                guard=CHANGE_WINDOW,
                summary=f"{'; '.join(sorted(set(obstacles.values())))}: {who} may not change now",
                override="--override-window --reason TEXT",
                eligible_at=_eligible_at(set(rules.values()), [window for *_, window in self._specs], now),
            )


def _rules_for(charger: DesiredCharger, specs: Sequence[tuple[str, ChangeWindowSpec, Window]]) -> _Rules:
    mine = [(address, spec, window) for address, spec, window in specs if _selects(spec.chargers, charger)]
    return _Rules(
        tuple((address, window) for address, spec, window in mine if spec.action == "allow"),
        tuple((address, window) for address, spec, window in mine if spec.action == "deny"),
    )


def _selects(selector: Selector, charger: DesiredCharger) -> bool:
    if selector.names is not None:
        return any(fnmatchcase(charger.name, glob) for glob in selector.names)
    return all(charger.labels.get(key) == value for key, value in (selector.labels or {}).items())


def _eligible_at(rules: Iterable[_Rules], windows: Sequence[Window], now: datetime) -> datetime | None:
    """Return the first boundary of a window at which every rule lets the change through."""
    at: datetime | None = now
    for _ in range(_BOUNDARIES_TRIED):
        at = min((edge for window in windows for edge in _edges(window, at)), default=None) if at else None
        if at is None or not any(rule.obstacle(at) for rule in rules):
            return at
    return None


def _edges(window: Window, after: datetime) -> Iterator[datetime]:
    """Yield the next opening and the next closing of a window."""
    duration = timedelta(seconds=window.duration_s)
    if opening := window.next_opening(after):
        yield opening
    if opening := window.next_opening(after - duration):
        yield opening + duration
