"""Bindings with their names resolved: the legs that a charger gets, who owns what on them, and what is wrong there."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from reconciler.model.desired import LOCAL, Backend, DesiredLeg, FlipPolicy, Role
from reconciler.model.diagnostics import Diagnostic
from reconciler.planning.findings import error, several, warning
from reconciler.planning.ownership import Fault, deaf_backends, owners_of, ownership_faults, version_faults
from reconciler.planning.selection import Bound
from reconciler.planning.stations import Station
from reconciler.planning.values import flip_of


class BindingLegs(msgspec.Struct, frozen=True):
    """What all chargers of one binding share; `complete` is False where a reference of it does not resolve."""

    bound: Bound
    legs: tuple[DesiredLeg, ...]
    owners: Mapping[str, str]
    flip: FlipPolicy
    complete: bool

    @property
    def passthrough(self) -> DesiredLeg | None:
        """The leg that is dialled with the station's own credential, None where there is none."""
        return next((leg for leg in self.legs if leg.credentials == "passthrough"), None)

    def path_of(self, backend: str, field: str = "role") -> str:
        """Return where the role of `backend` is written, or the whole list for ""."""
        for index, entry in enumerate(self.bound.spec.backends):
            if entry.backend == backend:
                return f"spec.backends.{index}.{field}"
        return "spec.backends"


def legs_of(bound: Bound, backends: Mapping[str, Backend], roles: Mapping[str, Role]) -> BindingLegs:
    """Return the legs of a binding, in its order; a role that is not connected has none."""
    legs = []
    complete = True
    for entry in bound.spec.backends:
        backend, role = backends.get(entry.backend), roles.get(entry.role)
        if backend is None or role is None:
            complete = False
        elif role.connected:
            legs.append(DesiredLeg(backend, role, entry.credentials))
    return BindingLegs(bound, tuple(legs), owners_of(legs), flip_of(bound.spec.flip), complete)


def binding_findings(binding: BindingLegs, stations: Mapping[str, Station]) -> Iterator[Diagnostic]:
    """Yield what is wrong with a binding: owners, versions of its chargers, credentials, failover."""
    if binding.complete:
        for fault in ownership_faults(binding.legs):
            yield _from_fault(binding, fault, binding.bound.chargers)
        for versions, chargers in _by_versions(binding.bound.chargers, stations).items():
            for fault in version_faults(binding.legs, versions):
                yield _from_fault(binding, fault, chargers, field="backend")
            for backend in deaf_backends(binding.legs, versions):
                path = binding.path_of(backend, "backend")
                summary = f"{path}: {backend} speaks no version of {several(chargers)}, so it is never connected"
                yield warning(
                    binding.bound.resource, path, summary, "remove it, or correct the versions of either side"
                )
    yield from _passthrough_findings(binding)
    if binding.bound.spec.failover is not None and binding.bound.spec.when_owner_is_down != "failover":
        summary = f"spec.failover: has no effect while whenOwnerIsDown is {binding.bound.spec.when_owner_is_down}"
        yield warning(binding.bound.resource, "spec.failover", summary, "set whenOwnerIsDown: failover, or remove it")


def _by_versions(chargers: Sequence[str], stations: Mapping[str, Station]) -> dict[tuple[str, ...], list[str]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in chargers:
        groups.setdefault(stations[name].versions, []).append(name)
    return groups


def _from_fault(binding: BindingLegs, fault: Fault, chargers: Sequence[str], field: str = "role") -> Diagnostic:
    path = binding.path_of(fault.backend, field)
    on_chargers = f" (on {several(chargers)})" if chargers else ""
    return error(binding.bound.resource, path, f"{path}: {fault.summary}{on_chargers}", fault.hint)


def _passthrough_findings(binding: BindingLegs) -> Iterator[Diagnostic]:
    """The station's own credential goes to one back-end only, the one that owns `security` (R13)."""
    entries = [entry for entry in binding.bound.spec.backends if entry.credentials == "passthrough"]
    for position, entry in enumerate(entries):
        path = binding.path_of(entry.backend, "credentials")
        wrong = ""
        if entry.backend == LOCAL:
            wrong = "local is never dialled"
        elif position > 0:
            wrong = f"{entries[0].backend} has the station's credential already"
        elif binding.complete and binding.owners.get("security", entry.backend) != entry.backend:
            wrong = f"{entry.backend} does not own security"
        if wrong:
            hint = "only the one owner of security may have credentials: passthrough; remove it here"
            yield error(binding.bound.resource, path, f"{path}: {wrong}", hint)
