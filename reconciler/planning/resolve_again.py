"""Resolving again: a site in which only chargers' own fields differ from one that is resolved already.

    one line of a hundred thousand ──> that charger's state anew; who has which legs, and owns what, as it was

Anything else (a binding, a label, a version, a charger more) is resolved as a whole by `resolve`. Both give the same.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.kinds import ChargerSpec
from reconciler.model.site import Resource, Site, Taken
from reconciler.planning.order import by_kind
from reconciler.planning.resolve import resolve
from reconciler.planning.values import quirks_of


def resolve_again(wanted: Mapping[str, Resource], before: Site) -> tuple[Site, list[Diagnostic]]:
    """Return what `resolve` returns for `wanted` (by address), at the cost of what differs from `before` where it can.

    What it can't is told by nothing being known of `before` that would have to be said again (`Site.taken`).
    """
    site = _with_own_fields(wanted, before)
    return (site, []) if site is not None else resolve([wanted[address] for address in by_kind(wanted)])


def _with_own_fields(wanted: Mapping[str, Resource], before: Site) -> Site | None:
    """Return the site with the changed chargers' own fields; None where anything else differs, or might be wrong."""
    if before.taken is None or len(wanted) != len(before.resources):
        return None
    changed: list[tuple[Resource, Resource]] = []
    for address, resource in wanted.items():
        known = before.resources.get(address)
        if known is resource:
            continue
        if known is None:
            return None
        if known.spec is not resource.spec or known.labels is not resource.labels:
            changed.append((known, resource))
    if not all(_differ_in_own_fields(old, new) for old, new in changed):
        return None
    taken = _taken_anew(before.taken, changed)
    if taken is None:
        return None
    chargers = dict(before.chargers)
    for _, resource in changed:
        name, spec = resource.address.name, resource.spec
        assert isinstance(spec, ChargerSpec)
        chargers[name] = replace(
            chargers[name],
            identity=spec.identity or name,
            serial_number=spec.serial_number,
            quirks=quirks_of(spec.quirks),
        )
    return replace(before, resources=wanted, chargers=chargers, taken=taken)


def _differ_in_own_fields(old: Resource, new: Resource) -> bool:
    """Tell whether two declarations of a charger differ in nothing that selectors, bindings or profiles look at."""
    was, now = old.spec, new.spec
    return (
        isinstance(was, ChargerSpec)
        and isinstance(now, ChargerSpec)
        and old.labels == new.labels
        and was.versions == now.versions
        and was.security_profile == now.security_profile
        and (now.quirks.assume_version is None or now.quirks.assume_version in now.versions)
    )


def _taken_anew(taken: Taken, changed: Iterable[tuple[Resource, Resource]]) -> Taken | None:
    """Return who has which identity and serial number after the changes; None where two would have one."""
    identities, serial_numbers = dict(taken.identities), dict(taken.serial_numbers)
    changed = list(changed)
    for old, _ in changed:
        for values, value in _unique(old, identities, serial_numbers):
            del values[value]
    for _, new in changed:
        for values, value in _unique(new, identities, serial_numbers):
            if values.setdefault(value, new.address.name) != new.address.name:
                return None
    return Taken(identities, serial_numbers)


def _unique(
    resource: Resource, identities: dict[str, str], serial_numbers: dict[str, str]
) -> Iterator[tuple[dict[str, str], str]]:
    spec = resource.spec
    assert isinstance(spec, ChargerSpec)
    yield identities, (spec.identity or resource.address.name).casefold()
    if spec.serial_number is not None:
        yield serial_numbers, spec.serial_number
