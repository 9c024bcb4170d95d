"""Effective desired state: what is declared, with what changes roles for a while on top; a pure function of time.

    declared  <  failovers in force  <  outages open now  <  technicians' overrides in force

Of the layers that lie on one charger the highest that fits decides alone; back-ends it does not name are as declared.
So what was checked when a layer was made (each feature has one owner) is what runs, whatever lies below.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.errors import InvalidSpecs, UnknownAddress
from reconciler.model.desired import DesiredCharger, DesiredLeg, FlipPolicy, Role
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.failovers import Failover
from reconciler.model.features import EVERY_FEATURE
from reconciler.model.interventions import Interventions
from reconciler.model.outages import Occurrence, Outage
from reconciler.model.overrides import Override
from reconciler.model.rollouts import Pause
from reconciler.model.site import Site
from reconciler.planning.failover import stand_in_roles, still_declared
from reconciler.planning.findings import did_you_mean
from reconciler.planning.occurrences import next_edge, open_at
from reconciler.planning.ownership import owners_of, ownership_faults, version_faults

Roles = Mapping[str, str]
"""Back-end -> the name of the role it is to have."""

_PRIMARY: Final = "primary"
_PASSIVE: Final = "passive"


class LayerKind(StrEnum):
    """What a layer comes from, lowest first."""

    DECLARED = "declared"
    FAILOVER = "failover"
    OUTAGE = "outage"
    OVERRIDE = "override"


class Layer(msgspec.Struct, frozen=True):
    """Roles that differ from what is declared, and why: `sources` are what they come from."""

    kind: LayerKind
    roles: Mapping[str, str | Role]
    sources: tuple[Override | Occurrence | Failover, ...]
    flip: FlipPolicy | None = None

    @property
    def until(self) -> datetime | None:
        """Return when it ends by itself, None where it doesn't."""
        ends = [source.until for source in self.sources if not isinstance(source, Failover) and source.until]
        return min(ends, default=None)

    @property
    def name(self) -> str:
        """Return what tells it from others for as long as it holds, however it is extended."""
        return " and ".join(map(_name_of, self.sources))


class Effective(msgspec.Struct, frozen=True):
    """Every charger as it is to run, and the layer that decides on those which do not run as declared."""

    chargers: Mapping[str, DesiredCharger] = msgspec.field(default_factory=dict)
    layers: Mapping[str, Layer] = msgspec.field(default_factory=dict)


Memo = MutableMapping[str, tuple[DesiredCharger, Layer, DesiredCharger | None]]
"""Charger -> (as declared, layer, as it then runs); what stays the same stays the same object."""


def effective(site: Site, state: Interventions, now: datetime) -> Mapping[str, DesiredCharger]:
    """Return every charger by name as it is to run at `now`; those that nothing changes are the same objects."""
    return decide(site, state, now).chargers


def decide(site: Site, state: Interventions, now: datetime, memo: Memo | None = None) -> Effective:
    """Return what runs at `now` and why; with a `memo` kept from call to call, unchanged chargers cost nothing.

    A layer that no longer fits (see `with_roles`) is left out on its charger: one of them must not stop the others.
    `misfits` says which those are.
    """
    kept: Memo = {} if memo is None else memo
    chargers, deciding = dict(site.chargers), {}
    for name, layers in layers_at(site, state, now).items():
        for layer in reversed(layers):
            found = _fitted(site, site.chargers[name], layer, kept)
            if found is not None:
                chargers[name], deciding[name] = found, layer
                break
    return Effective(chargers, deciding)


def misfits(site: Site, state: Interventions, now: datetime) -> list[Diagnostic]:
    """Return a warning for every layer that does not fit what is declared, so is not used on a charger at `now`."""
    diagnostics = []
    for name, layers in layers_at(site, state, now).items():
        for layer in layers:
            try:
                with_roles(site, site.chargers[name], layer.roles)
            except (InvalidSpecs, UnknownAddress) as reason:
                summary = f"the {layer.kind} on {name} no longer fits and is not used: {reason.summary}"
                diagnostics.append(Diagnostic(Severity.WARNING, summary, f"charger.{name}", None, reason.hint))
    return diagnostics


def layers_at(site: Site, state: Interventions, now: datetime) -> dict[str, list[Layer]]:
    """Return the layers that lie on each declared charger at `now`, lowest first; nothing where none does."""
    found: dict[str, list[Layer]] = {}
    for names, layer in (*_failovers(site, state), *_outages(site, state, now), *_overrides(state, now)):
        for name in names:
            if name in site.chargers:
                found.setdefault(name, []).append(layer)
    return found


def next_boundary(outages: Sequence[Outage], state: Interventions, now: datetime) -> datetime | None:
    """Return the first instant after `now` at which effective desired state may change by itself.

    `outages` are the declared ones.
    """
    lasting: tuple[Override | Pause, ...] = (*state.overrides, *state.pauses)
    ends = [timed.until for timed in lasting if timed.until is not None and timed.until > now]
    edge = next_edge((*outages, *state.begun), state.adjustments, now)
    return min([*ends, edge] if edge is not None else ends, default=None)


def with_roles(
    site: Site, charger: DesiredCharger, roles: Mapping[str, str | Role], flip: FlipPolicy | None = None
) -> DesiredCharger:
    """Return `charger` with `roles` in place of those it has; the same object where that changes nothing.

    A back-end that has no leg gets one, `local` too; one whose role is not connected loses it. `flip` is how owners
    change, None as declared. Raises UnknownAddress for a back-end or role that the site does not have, InvalidSpecs
    where a feature would have no owner or two, or an owner speaks no version of the charger.
    """
    legs = _legs(site, charger, roles)
    if legs == charger.legs:
        return charger
    faults = [*ownership_faults(legs), *version_faults(legs, charger.versions)]
    if faults:
        address = f"charger.{charger.name}"
        found = [Diagnostic(Severity.ERROR, fault.summary, address, None, fault.hint) for fault in faults]
        raise InvalidSpecs(f"on charger {charger.name} {faults[0].summary}", found, hint=faults[0].hint)
    return replace(charger, legs=legs, owners=owners_of(legs), flip=flip or charger.flip)


def toggle_roles(charger: DesiredCharger, primary: str) -> Roles:
    """Return the roles that `toggle --primary` means: `primary` becomes primary, who owned "*" becomes passive.

    Who owns features by name keeps them. Empty where `primary` is the only owner of "*" already.
    """
    so_far = [leg.backend.name for leg in charger.legs if EVERY_FEATURE in leg.role.owns]
    if so_far == [primary]:
        return {}
    return {**dict.fromkeys(so_far, _PASSIVE), primary: _PRIMARY}


def _failovers(site: Site, state: Interventions) -> Iterator[tuple[Sequence[str], Layer]]:
    """Yield the layer of each charger on which somebody stands in for an owner that is away."""
    by_charger: dict[str, list[Failover]] = {}
    for failover in state.failovers:
        charger = site.chargers.get(failover.charger)
        if charger is not None and still_declared(charger, failover):
            by_charger.setdefault(failover.charger, []).append(failover)
    for name, held in by_charger.items():
        roles = stand_in_roles(site.chargers[name], [failover.backend for failover in held])
        yield (name,), Layer(LayerKind.FAILOVER, roles, tuple(held))


def _outages(site: Site, state: Interventions, now: datetime) -> Iterator[tuple[Sequence[str], Layer]]:
    """Yield the layers of outages: the declared ones that are open together make one, one begun by hand is above."""
    per_charger: dict[str, list[Occurrence]] = {}
    for held in open_at(site.outages, state.adjustments, now):
        for name in held.outage.chargers:
            per_charger.setdefault(name, []).append(held)
    together: dict[tuple[int, ...], tuple[tuple[Occurrence, ...], list[str]]] = {}
    for name, holding in per_charger.items():
        _, names = together.setdefault(tuple(map(id, holding)), (tuple(holding), []))
        names.append(name)
    for sources, names in together.values():
        for source in sources if len(sources) > 1 else ():  # below: where all don't fit together, the newest decides
            yield names, Layer(LayerKind.OUTAGE, source.outage.roles, (source,), source.outage.flip)
        roles = {backend: role for source in sources for backend, role in source.outage.roles.items()}
        yield names, Layer(LayerKind.OUTAGE, roles, sources, sources[-1].outage.flip)
    for held in open_at(state.begun, state.adjustments, now):
        yield held.outage.chargers, Layer(LayerKind.OUTAGE, held.outage.roles, (held,), held.outage.flip)


def _overrides(state: Interventions, now: datetime) -> Iterator[tuple[Sequence[str], Layer]]:
    """Yield the technicians' layers; of two overrides on one charger the younger is above."""
    in_force = [override for override in state.overrides if override.holds_at(now)]
    for override in sorted(in_force, key=lambda found: found.start):
        yield (override.charger,), Layer(LayerKind.OVERRIDE, override.roles, (override,))


def _fitted(site: Site, charger: DesiredCharger, layer: Layer, memo: Memo) -> DesiredCharger | None:
    """Return the charger under `layer`, None where that does not fit."""
    known = memo.get(charger.name)
    if known is not None and known[0] is charger and known[1] == layer:
        return known[2]
    try:
        found = with_roles(site, charger, layer.roles, layer.flip)
        if found is not charger:
            found = replace(found, because=layer.name)
    except (InvalidSpecs, UnknownAddress):
        found = None  # named by `misfits`
    memo[charger.name] = (charger, layer, found)
    return found


def _name_of(source: Override | Occurrence | Failover) -> str:
    match source:
        case Override():
            return f"toggle {source.id}"
        case Failover():
            return f"failover from {source.backend}"
    return f"{source.outage.address} at {source.opening:%Y-%m-%dT%H:%M:%SZ}"


def _legs(site: Site, charger: DesiredCharger, roles: Mapping[str, str | Role]) -> tuple[DesiredLeg, ...]:
    legs = {leg.backend.name: leg for leg in charger.legs}
    for name, wanted in roles.items():
        role = wanted if isinstance(wanted, Role) else site.roles.get(wanted)
        if role is None:
            raise UnknownAddress(f"there is no role {wanted}", hint=did_you_mean(str(wanted), site.roles))
        backend = site.backends.get(name)
        if backend is None:
            raise UnknownAddress(f"there is no backend {name}", hint=did_you_mean(name, site.backends))
        if not role.connected:
            legs.pop(name, None)
        elif name in legs:
            legs[name] = DesiredLeg(legs[name].backend, role, legs[name].credentials)
        else:
            legs[name] = DesiredLeg(backend, role)
    return tuple(legs.values())
