"""Resolving: from resources to a site in which every charger knows its legs and owners, and all that is wrong."""

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from reconciler.model.desired import LOCAL, Backend, DesiredCharger, LocalAnswers, Role, Security
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.documents import Document
from reconciler.model.kinds import BackendSpec, RoleSpec, SecurityProfileSpec
from reconciler.model.site import Resource, Site
from reconciler.planning.binding import BindingLegs, binding_findings, legs_of
from reconciler.planning.credentials import credential_findings
from reconciler.planning.declared import Declared, dangling_references
from reconciler.planning.documents import read_resources
from reconciler.planning.local_rules import load_policies_of, local_rule_findings, notification_rules_of
from reconciler.planning.outages import outage_findings, outages_of
from reconciler.planning.selection import Selection, bind, selector_findings
from reconciler.planning.stand_ins import stand_in_findings
from reconciler.planning.stations import Station, stations_of, taken_by
from reconciler.planning.values import (
    BUILT_IN,
    LOCAL_BACKEND,
    backend_of,
    failover_of,
    local_answers_of,
    role_of,
    security_of,
)


def check(documents: Iterable[Document], unread: Collection[Diagnostic] = ()) -> tuple[Site, list[Diagnostic]]:
    """Return the site that `documents` declare, and everything wrong with it, `unread` included.

    `unread` is what reading the files found: what may be declared in a broken place is not called missing.
    """
    resources, found = read_resources(documents)
    before = [*unread, *found]
    site, diagnostics = resolve(resources, broken=broken_addresses(before))
    return site, [*before, *diagnostics]


def broken_addresses(diagnostics: Iterable[Diagnostic]) -> frozenset[str]:
    """Return the addresses that errors are about."""
    errors = (finding for finding in diagnostics if finding.severity is Severity.ERROR)
    return frozenset(finding.address for finding in errors if finding.address is not None)


def resolve(resources: Iterable[Resource], broken: Collection[str] = ()) -> tuple[Site, list[Diagnostic]]:
    """Return the site that `resources` make, and everything wrong between them.

    With errors among the diagnostics the site holds what could be resolved, and must not be applied. `broken`
    are addresses that are declared and could not be read, so that no reference to them is an error.
    """
    declared = Declared(resources, broken)
    securities = {
        resource.address.name: security_of(spec)
        for resource, spec in declared.of("security-profile", SecurityProfileSpec)
    }
    backends, local = _backends(declared, securities)
    roles = _roles(declared)
    stations, diagnostics = stations_of(declared)
    selection = Selection(stations)
    bound, unbound = bind(declared, stations, selection)
    bindings = [legs_of(binding, backends, roles) for binding in bound]
    site = Site(
        resources=declared.resources,
        chargers=_chargers(bindings, stations, securities, local),
        roles=roles,
        declared_by={name: str(station.resource.address) for name, station in stations.items()},
        bound_by={name: str(binding.resource.address) for binding in bound for name in binding.chargers},
        backends=backends,
        outages=outages_of(declared, selection),
        load_policies=load_policies_of(declared, selection, stations),
        notification_rules=notification_rules_of(declared, selection),
    )
    diagnostics += dangling_references(declared)
    diagnostics += selector_findings(declared, selection)
    diagnostics += unbound
    for binding in bindings:
        diagnostics += binding_findings(binding, stations)
    diagnostics += credential_findings(declared, stations, bindings)
    diagnostics += stand_in_findings(site)
    diagnostics += outage_findings(declared, site, selection)
    diagnostics += local_rule_findings(declared, selection, stations, site.chargers)
    return (site if diagnostics else replace(site, taken=taken_by(stations))), diagnostics


def _backends(declared: Declared, securities: Mapping[str, Security]) -> tuple[dict[str, Backend], LocalAnswers]:
    backends = {LOCAL: LOCAL_BACKEND}
    local = LocalAnswers()
    for resource, spec in declared.of("backend", BackendSpec):
        name = resource.address.name
        if name == LOCAL:
            local = local_answers_of(spec)
        else:
            security = securities.get(spec.security_profile or "", Security())
            backends[name] = backend_of(name, spec, security)
    return backends, local


def _roles(declared: Declared) -> dict[str, Role]:
    own = {
        resource.address.name: role_of(resource.address.name, spec) for resource, spec in declared.of("role", RoleSpec)
    }
    return {**own, **BUILT_IN}


def _chargers(
    bindings: Iterable[BindingLegs],
    stations: Mapping[str, Station],
    securities: Mapping[str, Security],
    local: LocalAnswers,
) -> dict[str, DesiredCharger]:
    """Return the chargers in name order; those of one binding share its legs and owners."""
    insecure = Security()
    chargers = {}
    for binding in bindings:
        spec, failover = binding.bound.spec, failover_of(binding.bound.spec)
        for name in binding.bound.chargers:
            station = stations[name]
            chargers[name] = DesiredCharger(
                name=name,
                identity=station.identity,
                serial_number=station.serial_number,
                versions=station.versions,
                security=securities.get(station.security_profile, insecure),
                legs=binding.legs,
                owners=binding.owners,
                flip=binding.flip,
                when_owner_is_down=spec.when_owner_is_down,
                failover=failover,
                quirks=station.quirks,
                local=local,
                labels=station.labels,
            )
    return dict(sorted(chargers.items()))
