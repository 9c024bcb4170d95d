"""Scope: which resources a plan may touch, and what the specs are to be once the given ones are merged in."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import msgspec

from reconciler.errors import FwdctlError
from reconciler.model.site import Resource


class Scope(msgspec.Struct, frozen=True):
    """What counts; resources outside are neither created, updated nor deleted.

    `target` and `exclude` are globs over addresses (`charger.cp00*`); `select` are labels, all of which must match.
    Without `prune`, what is absent from the input stays.
    """

    prune: bool = False
    select: Mapping[str, str] = msgspec.field(default_factory=dict)
    target: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Return True where no resource is left out."""
        return not (self.target or self.exclude or self.select)

    def holds(self, address: str, resource: Resource) -> bool:
        """Return True where the resource is within the scope."""
        if self.target and not _matches(address, self.target):
            return False
        if _matches(address, self.exclude):
            return False
        return all(resource.labels.get(label) == value for label, value in self.select.items())


def merge(applied: Mapping[str, Resource], given: Iterable[Resource], scope: Scope) -> dict[str, Resource]:
    """Return all resources, by address, as they are to be: the given ones over the applied ones, within the scope.

    Raises FwdctlError where nothing was given, or where nothing of it is within the scope: an empty input is a
    mistake, never "delete everything".
    """
    resources = {str(resource.address): resource for resource in given}
    if not resources:
        raise FwdctlError("no resource was given", hint="name a file or directory that holds specs: -f site.yaml")
    _refuse_idle_globs(scope, [*resources, *applied])
    chosen = resources
    if not scope.is_everything:
        chosen = {address: resource for address, resource in resources.items() if scope.holds(address, resource)}
    absent = [
        address
        for address, resource in applied.items()
        if scope.prune and address not in resources and scope.holds(address, resource)
    ]
    if not chosen and not absent:
        raise FwdctlError("no given resource is within --target, --exclude and --select", hint="widen them")
    merged = {**applied, **chosen}
    for address in absent:
        del merged[address]
    return merged


def _refuse_idle_globs(scope: Scope, addresses: list[str]) -> None:
    for flag, globs in (("--target", scope.target), ("--exclude", scope.exclude)):
        for glob in globs:
            if not any(fnmatchcase(address, glob) for address in addresses):
                raise FwdctlError(
                    f"{flag} {glob} matches no resource", hint="an address is kind.name, for example charger.cp001"
                )


def _matches(address: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(address, glob) for glob in globs)
