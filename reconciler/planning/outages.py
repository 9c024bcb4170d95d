"""Scheduled outages resolved and checked: every feature has one owner, and no two pull one charger two ways."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Final

import msgspec

from reconciler.errors import InvalidSpecs
from reconciler.model.desired import DesiredCharger
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.kinds import BackendSpec, ScheduledOutageSpec
from reconciler.model.outages import Notice, Outage
from reconciler.model.site import Resource, Site
from reconciler.model.windows import Window
from reconciler.planning.declared import Declared
from reconciler.planning.effective import with_roles
from reconciler.planning.findings import error, several, warning
from reconciler.planning.ownership import ownership_faults, version_faults
from reconciler.planning.selection import Selection
from reconciler.planning.values import flip_of

_HORIZON: Final = timedelta(days=366)
"""Recurring windows are compared over a year, leap day and both clock changes included."""

_YEAR: Final = datetime(2028, 1, 1, tzinfo=UTC)

_OPENINGS_MAX: Final = 5_000
"""A window that opens more often than every two hours is compared over the part of the year that this covers."""

_Groups = Mapping[tuple[str, tuple[str, ...]], list[str]]
"""(binding, versions) -> its chargers, which an outage changes all alike."""


class _Outage(msgspec.Struct, frozen=True):
    resource: Resource
    roles: Mapping[str, str]
    window: Window
    groups: _Groups


def outages_of(declared: Declared, selection: Selection) -> tuple[Outage, ...]:
    """Return the declared outages by name, each with the chargers that it selects."""
    found = (
        Outage(
            name=resource.address.name,
            chargers=tuple(selection.select(spec.chargers)),
            window=spec.window.window,
            roles=spec.roles,
            flip=flip_of(spec.flip) if spec.flip is not None else None,
            notice=Notice(spec.notice.before, spec.notice.to) if spec.notice is not None else None,
            reason=spec.reason,
        )
        for resource, spec in declared.of("scheduled-outage", ScheduledOutageSpec)
    )
    return tuple(sorted(found, key=lambda outage: outage.name))


def outage_findings(declared: Declared, site: Site, selection: Selection) -> Iterator[Diagnostic]:
    """Yield an error for each outage that does not fit its chargers, and for each two that overlap and disagree."""
    fitting = []
    for resource, spec in declared.of("scheduled-outage", ScheduledOutageSpec):
        if any(name not in site.backends or role not in site.roles for name, role in spec.roles.items()):
            continue  # a dangling reference, said already
        outage = _Outage(resource, spec.roles, spec.window.window, _groups(site, selection.select(spec.chargers)))
        misfit = _misfit(site, outage.groups, outage.roles)
        if misfit is None:
            fitting.append(outage)
        else:
            chargers, reason = misfit
            yield error(resource, "spec.roles", f"spec.roles: on {several(chargers)}, {reason.summary}", reason.hint)
        yield from _unheard(resource, spec, declared)
    yield from _contradictions(site, fitting)


def _unheard(resource: Resource, spec: ScheduledOutageSpec, declared: Declared) -> Iterator[Diagnostic]:
    """Yield a warning for each back-end that is to be told and says nowhere how."""
    for index, name in enumerate(spec.notice.to if spec.notice is not None else ()):
        backend = declared.resources.get(f"backend.{name}")
        if backend is not None and isinstance(backend.spec, BackendSpec) and not backend.spec.contacts:
            path = f"spec.notice.to.{index}"
            hint = f"add spec.contacts to backend.{name}: an email or a webhook"
            yield warning(resource, path, f"{path}: {name} has no contacts, so nobody is told", hint)


def _groups(site: Site, chargers: list[str]) -> _Groups:
    """Return `chargers` by binding and versions, without those whose binding is at fault itself."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name in chargers:
        if name in site.chargers:
            groups.setdefault((site.bound_by[name], site.chargers[name].versions), []).append(name)
    return {key: names for key, names in groups.items() if _is_sound(site.chargers[names[0]])}


def _is_sound(charger: DesiredCharger) -> bool:
    return not any(ownership_faults(charger.legs)) and not any(version_faults(charger.legs, charger.versions))


def _misfit(site: Site, groups: _Groups, roles: Mapping[str, str]) -> tuple[list[str], Diagnostic] | None:
    """Return the first chargers on which `roles` give a feature no owner or two, and why."""
    for chargers in groups.values():
        try:
            with_roles(site, site.chargers[chargers[0]], roles)
        except InvalidSpecs as reason:
            return chargers, reason.diagnostics[0]
    return None


def _contradictions(site: Site, outages: list[_Outage]) -> Iterator[Diagnostic]:
    """Yield an error for each two outages that are open together on a charger and disagree about it."""
    openings: dict[Window, list[datetime]] = {}
    for first, second in combinations(outages, 2):
        shared = _shared(first, second)
        reason = _disagreement(site, first, second, shared)
        if reason is None:
            continue
        moment = _overlap(first.window, second.window, openings)
        if moment is not None:
            chargers = sorted(name for names in shared.values() for name in names)
            place = first.resource.position("spec.window")
            yield error(
                second.resource,
                "spec.window",
                f"spec.window: overlaps {first.resource.address} on {several(chargers)}, for example at"
                f" {moment:%Y-%m-%dT%H:%MZ}, and they disagree: {reason}",
                f"move one of the two, or give both the same roles{f'; the other is at {place}' if place else ''}",
            )


def _shared(first: _Outage, second: _Outage) -> _Groups:
    shared = {key: set(names).intersection(second.groups.get(key, ())) for key, names in first.groups.items()}
    return {key: sorted(names) for key, names in shared.items() if names}


def _disagreement(site: Site, first: _Outage, second: _Outage, shared: _Groups) -> str | None:
    """Return why the two cannot hold together on the chargers they share, None where they can."""
    if not shared:
        return None
    for backend, role in first.roles.items():
        other = second.roles.get(backend, role)
        if other != role:
            return f"{backend} would be {role} and {other}"
    misfit = _misfit(site, shared, {**first.roles, **second.roles})
    return misfit[1].summary if misfit else None


def _overlap(first: Window, second: Window, openings: dict[Window, list[datetime]]) -> datetime | None:
    """Return a moment at which both are open, None where there is none."""
    if first.start is None and second.start is not None:
        first, second = second, first
    first_lasts, second_lasts = timedelta(seconds=first.duration_s), timedelta(seconds=second.duration_s)
    if first.start is not None:
        opening = second.next_opening(first.start - second_lasts)
        if opening is None or opening >= first.start + first_lasts:
            return None
        return max(opening, first.start)
    ours, theirs = (_openings(window, openings) for window in (first, second))
    mine, other = 0, 0
    while mine < len(ours) and other < len(theirs):
        if ours[mine] + first_lasts <= theirs[other]:
            mine += 1
        elif theirs[other] + second_lasts <= ours[mine]:
            other += 1
        else:
            return max(ours[mine], theirs[other])
    return None


def _openings(window: Window, openings: dict[Window, list[datetime]]) -> list[datetime]:
    """Return the openings of a recurring window in one year, from `openings` where they are known."""
    if window not in openings:
        found: list[datetime] = []
        opening = window.next_opening(_YEAR)
        while opening is not None and opening < _YEAR + _HORIZON and len(found) < _OPENINGS_MAX:
            found.append(opening)
            opening = window.next_opening(opening)
        openings[window] = found
    return openings[window]
