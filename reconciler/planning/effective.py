"""Effective desired state: what is declared, with what changes roles for a while on top; a pure function of time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconciler.errors import InvalidSpecs, UnknownAddress
from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.features import EVERY_FEATURE
from reconciler.model.overrides import Override
from reconciler.model.site import Site
from reconciler.planning.findings import did_you_mean
from reconciler.planning.ownership import owners_of, ownership_faults, version_faults

Roles = Mapping[str, str]
"""Back-end -> the name of the role it is to have."""

Layer = Mapping[str, Roles]
"""Charger -> roles that differ from what is declared; back-ends not named keep theirs."""

_PRIMARY: Final = "primary"
_PASSIVE: Final = "passive"


def effective(site: Site, overrides: Sequence[Override], now: datetime) -> Mapping[str, DesiredCharger]:
    """Return every charger by name as it is to run at `now`; those that nothing changes are the same objects.

    An override that no longer fits (see `with_roles`) leaves its charger as declared: one of them must not stop
    the others. `misfits` says which those are.
    """
    chargers = dict(site.chargers)
    for name, roles in _changes(overrides, now).items():
        if name in chargers:
            try:
                chargers[name] = with_roles(site, chargers[name], roles)
            except (InvalidSpecs, UnknownAddress):
                continue  # named by `misfits`
    return chargers


def misfits(site: Site, overrides: Sequence[Override], now: datetime) -> list[Diagnostic]:
    """Return a warning for every charger whose changed roles at `now` do not fit what is declared, so are not used."""
    diagnostics = []
    for name, roles in _changes(overrides, now).items():
        if name not in site.chargers:
            continue
        try:
            with_roles(site, site.chargers[name], roles)
        except (InvalidSpecs, UnknownAddress) as reason:
            summary = f"the override on {name} no longer fits and is not used: {reason.summary}"
            diagnostics.append(Diagnostic(Severity.WARNING, summary, f"charger.{name}", None, reason.hint))
    return diagnostics


def with_roles(site: Site, charger: DesiredCharger, roles: Roles) -> DesiredCharger:
    """Return `charger` with `roles` in place of those it has; the same object where that changes nothing.

    A back-end that has no leg gets one, `local` too; one whose role is not connected loses it. Raises
    UnknownAddress for a back-end or role that the site does not have, InvalidSpecs where a feature would have no
    owner or two, or an owner speaks no version of the charger.
    """
    legs = _legs(site, charger, roles)
    if legs == charger.legs:
        return charger
    faults = [*ownership_faults(legs), *version_faults(legs, charger.versions)]
    if faults:
        address = f"charger.{charger.name}"
        found = [Diagnostic(Severity.ERROR, fault.summary, address, None, fault.hint) for fault in faults]
        raise InvalidSpecs(f"on charger {charger.name} {faults[0].summary}", found, hint=faults[0].hint)
    return replace(charger, legs=legs, owners=owners_of(legs))


def toggle_roles(charger: DesiredCharger, primary: str) -> Roles:
    """Return the roles that `toggle --primary` means: `primary` becomes primary, who owned "*" becomes passive.

    Who owns features by name keeps them. Empty where `primary` is the only owner of "*" already.
    """
    so_far = [leg.backend.name for leg in charger.legs if EVERY_FEATURE in leg.role.owns]
    if so_far == [primary]:
        return {}
    return {**dict.fromkeys(so_far, _PASSIVE), primary: _PRIMARY}


def _changes(overrides: Sequence[Override], now: datetime) -> Layer:
    """Return what differs from the declared roles at `now`: the layers one on another, the later wins."""
    layers = (_overridden(overrides, now),)
    merged: dict[str, Roles] = {}
    for layer in layers:
        for charger, roles in layer.items():
            merged[charger] = {**merged.get(charger, {}), **roles}
    return merged


def _overridden(overrides: Sequence[Override], now: datetime) -> Layer:
    """The technicians' layer; of two overrides on one charger the younger counts alone."""
    in_force = sorted((override for override in overrides if override.holds_at(now)), key=lambda found: found.start)
    return {override.charger: override.roles for override in in_force}


def _legs(site: Site, charger: DesiredCharger, roles: Roles) -> tuple[DesiredLeg, ...]:
    legs = {leg.backend.name: leg for leg in charger.legs}
    for name, role_name in roles.items():
        role = site.roles.get(role_name)
        if role is None:
            raise UnknownAddress(f"there is no role {role_name}", hint=did_you_mean(role_name, site.roles))
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
