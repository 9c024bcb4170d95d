"""Selection: which chargers a selector means, and which binding each charger gets."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import translate
from typing import Final

import msgspec

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.kinds import (
    BackendBindingSpec,
    ChangeWindowSpec,
    LoadPolicySpec,
    NotificationRuleSpec,
    ScheduledOutageSpec,
    Selector,
)
from reconciler.model.kinds.selector import GLOB_CHARACTERS
from reconciler.model.site import Resource
from reconciler.planning.declared import Declared
from reconciler.planning.findings import did_you_mean, error, several, warning
from reconciler.planning.stations import Station


class Selection:
    """An index over stations that answers selectors without looking at every station each time."""

    def __init__(self, stations: Mapping[str, Station]) -> None:
        self._names = sorted(stations)
        self._by_label: dict[tuple[str, str], set[str]] = {}
        for name, station in stations.items():
            for label in station.labels.items():
                self._by_label.setdefault(label, set()).add(name)

    def select(self, selector: Selector) -> list[str]:
        """Return the names of the chargers that `selector` means, sorted."""
        if selector.names is not None:
            return sorted({name for glob in selector.names for name in self.matching(glob)})
        sets = [self._by_label.get(label, set()) for label in (selector.labels or {}).items()]
        return sorted(set.intersection(*sorted(sets, key=len)))

    def matching(self, glob: str) -> list[str]:
        """Return the names that one name or glob means, sorted."""
        literal = re.split(r"[*?\[]", glob, maxsplit=1)[0]
        start = bisect_left(self._names, literal)
        if literal == glob:
            return self._names[start : start + 1] if self._names[start : start + 1] == [glob] else []
        end = bisect_left(self._names, literal + "\uffff")
        matches = re.compile(translate(glob)).match
        return [name for name in self._names[start:end] if matches(name)]

    def label_hint(self, selector: Selector) -> str:
        """Return what labels there are near those of a selector that selects nothing."""
        for key, value in (selector.labels or {}).items():
            if (key, value) not in self._by_label:
                values = {known for label, known in self._by_label if label == key}
                if values:
                    return did_you_mean(
                        value, values, otherwise=f"label {key} is one of: {', '.join(sorted(values)[:8])}"
                    )
                keys = {label for label, _ in self._by_label}
                return did_you_mean(key, keys, otherwise=f"no charger has a label {key}; add it to metadata.labels")
        return "no charger has all of these labels together"


_STATIONS: Final = ("charger", "split-system")
_SELECTING: Final = BackendBindingSpec | ScheduledOutageSpec | ChangeWindowSpec | NotificationRuleSpec | LoadPolicySpec


def selector_findings(declared: Declared, selection: Selection) -> Iterator[Diagnostic]:
    """Yield an error for each name of no charger, and a warning for each selector or glob that means none.

    What might mean a charger that could not be read is let pass.
    """
    for resource in declared.resources.values():
        if isinstance(resource.spec, _SELECTING) and resource.spec.chargers is not None:
            yield from _selector_findings(resource, resource.spec.chargers, declared, selection)


def _selector_findings(
    resource: Resource, selector: Selector, declared: Declared, selection: Selection
) -> Iterator[Diagnostic]:
    if selector.labels is not None and not declared.any_broken(*_STATIONS) and not selection.select(selector):
        shown = ", ".join(f"{key}={value}" for key, value in selector.labels.items())
        path = "spec.chargers.labels"
        yield warning(resource, path, f"{path}: no charger has {shown}", selection.label_hint(selector))
    for index, name in enumerate(selector.names or ()):
        path = f"spec.chargers.names.{index}"
        if selection.matching(name) or _may_be_unread(name, declared):
            continue
        if GLOB_CHARACTERS & set(name):
            hint = "check the glob, or declare the chargers"
            yield warning(resource, path, f"{path}: {name} matches no charger", hint)
        elif name in declared.names("split-system"):
            summary = f"{path}: {name} is a split system; its chargers have names of their own"
            yield error(resource, path, summary, f'use "{name}-d*" for all of them')
        else:
            known = selection.matching("*")
            hint = did_you_mean(name, known, otherwise=f"declare charger.{name}, or correct the name")
            yield error(resource, path, f"{path}: there is no charger {name}", hint)


def _may_be_unread(name: str, declared: Declared) -> bool:
    """True where the name or glob may mean a charger that is declared and could not be read."""
    if GLOB_CHARACTERS & set(name):
        return declared.any_broken(*_STATIONS)
    return declared.is_broken("charger", name) or declared.is_broken("split-system", name.rpartition("-d")[0])


class Bound(msgspec.Struct, frozen=True):
    """A binding and the chargers that get it."""

    resource: Resource
    spec: BackendBindingSpec
    chargers: Sequence[str]


def bind(
    declared: Declared, stations: Mapping[str, Station], selection: Selection
) -> tuple[list[Bound], list[Diagnostic]]:
    """Return every binding with its chargers: the highest priority wins; and errors for ties and unbound chargers."""
    winner: dict[str, tuple[Resource, BackendBindingSpec]] = {}
    ties: dict[tuple[str, str], list[str]] = {}
    bindings = list(declared.of("backend-binding", BackendBindingSpec))
    for candidate in sorted(bindings, key=lambda binding: (-binding[1].priority, binding[0].address)):
        for name in selection.select(candidate[1].chargers):
            best = winner.setdefault(name, candidate)
            if best is not candidate and best[1].priority == candidate[1].priority:
                ties.setdefault((str(best[0].address), str(candidate[0].address)), []).append(name)
    diagnostics = [_tie(declared, *pair, chargers) for pair, chargers in ties.items()]
    if not declared.any_broken("backend-binding"):
        diagnostics += _unbound(stations, winner)
    chargers_of: dict[str, list[str]] = {}
    for name, (resource, _) in winner.items():
        chargers_of.setdefault(resource.address.name, []).append(name)
    return [
        Bound(resource, spec, chargers_of.get(resource.address.name, [])) for resource, spec in bindings
    ], diagnostics


def _tie(declared: Declared, first: str, second: str, chargers: Sequence[str]) -> Diagnostic:
    resource = declared.resources[second]
    spec = resource.spec
    priority = spec.priority if isinstance(spec, BackendBindingSpec) else 0
    return error(
        resource,
        "spec.priority" if "spec.priority" in resource.places else "spec.chargers",
        f"{second} and {first} both select {several(chargers)} with priority {priority}",
        "give one of the two a higher priority, or select different chargers",
    )


def _unbound(stations: Mapping[str, Station], winner: Mapping[str, object]) -> Iterator[Diagnostic]:
    unbound: dict[str, list[Station]] = {}
    for name, station in stations.items():
        if name not in winner:
            unbound.setdefault(str(station.resource.address), []).append(station)
    for found in unbound.values():
        one_dispenser = len(found) == 1 and found[0].path != "spec"
        yield error(
            found[0].resource,
            found[0].path if one_dispenser else "metadata.name",
            f"no BackendBinding selects {several([station.name for station in found])}",
            "add it to spec.chargers of one, by name or by a label that the charger has",
        )
