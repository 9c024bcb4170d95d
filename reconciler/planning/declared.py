"""What is declared, by kind and name, and whether a reference finds it."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final, TypeVar

from reconciler.model.desired import LOCAL
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.kinds import (
    BUILT_IN_ROLES,
    BackendBindingSpec,
    BackendSpec,
    ChargerSpec,
    ScheduledOutageSpec,
    Spec,
    SplitSystemSpec,
)
from reconciler.model.site import Resource
from reconciler.planning.findings import did_you_mean, error

_SpecModel = TypeVar("_SpecModel", bound=Spec)

_ALWAYS_THERE: Final = {"backend": frozenset({LOCAL}), "role": frozenset(BUILT_IN_ROLES)}


class Declared:
    """The resources of a site, and the addresses that are declared but `broken`: references to those are no error."""

    def __init__(self, resources: Iterable[Resource], broken: Collection[str] = ()) -> None:
        self.resources = {str(resource.address): resource for resource in resources}
        self.broken = frozenset(broken)
        self._by_kind: dict[str, dict[str, Resource]] = {}
        for resource in self.resources.values():
            self._by_kind.setdefault(resource.address.kind, {})[resource.address.name] = resource

    def of(self, kind: str, model: type[_SpecModel]) -> Iterator[tuple[Resource, _SpecModel]]:
        """Yield the resources of `kind` (as in an address) with their specs."""
        for resource in self._by_kind.get(kind, {}).values():
            if isinstance(resource.spec, model):
                yield resource, resource.spec

    def names(self, kind: str) -> frozenset[str]:
        """Return the names of `kind` that a reference may use, built-in ones included."""
        return frozenset(self._by_kind.get(kind, ())) | _ALWAYS_THERE.get(kind, frozenset())

    def any_broken(self, *kinds: str) -> bool:
        """Return True where some resource of `kinds` is declared but could not be read."""
        return any(address.partition(".")[0] in kinds for address in self.broken)

    def missing(self, kind: str, name: str) -> bool:
        """Return True where nothing declares `kind.name`."""
        declared = name in self._by_kind.get(kind, ()) or name in _ALWAYS_THERE.get(kind, ())
        return not declared and not self.is_broken(kind, name)

    def is_broken(self, kind: str, name: str) -> bool:
        """Return True where `kind.name` is declared but could not be read."""
        return f"{kind}.{name}" in self.broken


def dangling_references(declared: Declared) -> Iterator[Diagnostic]:
    """Yield an error for every reference that names nothing; selectors are checked where they select."""
    for resource, path, kind, name in _references(declared):
        if declared.missing(kind, name):
            yield error(
                resource,
                path,
                f"{path}: there is no {kind} {name}",
                did_you_mean(name, declared.names(kind), otherwise=f"declare {kind}.{name}, or correct the name"),
            )


def _references(declared: Declared) -> Iterator[tuple[Resource, str, str, str]]:
    """Yield (resource, path, kind, name) of every reference."""
    for charger, charger_spec in declared.of("charger", ChargerSpec):
        yield charger, "spec.securityProfile", "security-profile", charger_spec.security_profile
    for system, system_spec in declared.of("split-system", SplitSystemSpec):
        yield system, "spec.securityProfile", "security-profile", system_spec.security_profile
    for backend, backend_spec in declared.of("backend", BackendSpec):
        if backend_spec.security_profile is not None:
            yield backend, "spec.securityProfile", "security-profile", backend_spec.security_profile
    for binding, binding_spec in declared.of("backend-binding", BackendBindingSpec):
        for index, bound in enumerate(binding_spec.backends):
            yield binding, f"spec.backends.{index}.backend", "backend", bound.backend
            yield binding, f"spec.backends.{index}.role", "role", bound.role
    for outage, outage_spec in declared.of("scheduled-outage", ScheduledOutageSpec):
        for name, role in outage_spec.roles.items():
            yield outage, f"spec.roles.{name}", "backend", name
            yield outage, f"spec.roles.{name}", "role", role
        for index, name in enumerate(outage_spec.notice.to if outage_spec.notice else ()):
            yield outage, f"spec.notice.to.{index}", "backend", name
