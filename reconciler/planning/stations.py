"""Stations: every declared charger, split systems expanded, each with an identity and serial number of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from reconciler.model.desired import Quirks
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.kinds import ChargerSpec, SplitSystemSpec
from reconciler.model.site import Resource, Taken
from reconciler.planning.declared import Declared
from reconciler.planning.findings import error
from reconciler.planning.values import quirks_of


class Station(msgspec.Struct, frozen=True):
    """One charger as declared; `path` is where its own fields are written in `resource`."""

    name: str
    identity: str
    serial_number: str | None
    versions: tuple[str, ...]
    security_profile: str
    quirks: Quirks
    resource: Resource
    path: str = "spec"

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the resource."""
        return self.resource.labels


_NO_QUIRKS = Quirks()


def stations_of(declared: Declared) -> tuple[dict[str, Station], list[Diagnostic]]:
    """Return all stations by name, and an error for each that repeats another's name, identity or serial number."""
    by_name: dict[str, Station] = {}
    diagnostics: list[Diagnostic] = []
    for station in _expanded(declared):
        first = by_name.setdefault(station.name, station)
        if first is not station:
            summary = f"{station.resource.address} declares charger {station.name}, as {first.resource.address} does"
            diagnostics.append(error(station.resource, station.path, summary, "rename one of the two"))
    stations = by_name.values()
    diagnostics += _repeated(stations, "identity", lambda station: station.identity.casefold())
    diagnostics += _repeated(stations, "serialNumber", lambda station: station.serial_number)
    diagnostics += _unassumable(stations)
    return by_name, diagnostics


def taken_by(stations: Mapping[str, Station]) -> Taken:
    """Return who has which identity and serial number, where no two have one."""
    return Taken(
        {station.identity.casefold(): name for name, station in stations.items()},
        {station.serial_number: name for name, station in stations.items() if station.serial_number is not None},
    )


def _expanded(declared: Declared) -> Iterator[Station]:
    for resource, spec in declared.of("charger", ChargerSpec):
        name = resource.address.name
        quirks = quirks_of(spec.quirks) if "quirks" in spec.model_fields_set else _NO_QUIRKS
        yield Station(
            name, spec.identity or name, spec.serial_number, spec.versions, spec.security_profile, quirks, resource
        )
    for resource, system in declared.of("split-system", SplitSystemSpec):
        for index, dispenser in enumerate(system.dispensers):
            name = f"{resource.address.name}-d{index + 1}"
            yield Station(
                name,
                dispenser.identity or name,
                dispenser.serial_number,
                system.versions,
                system.security_profile,
                _NO_QUIRKS,
                resource,
                f"spec.dispensers.{index}",
            )


def _repeated(stations: Iterable[Station], field: str, key: Callable[[Station], str | None]) -> Iterator[Diagnostic]:
    first: dict[str, Station] = {}
    for station in stations:
        value = key(station)
        if value is None:
            continue
        other = first.setdefault(value, station)
        if other is not station:
            shown = station.identity if field == "identity" else value
            place = other.resource.position(f"{other.path}.{field}")
            yield error(
                station.resource,
                f"{station.path}.{field}",
                f"{field} {shown} of charger {station.name} is that of charger {other.name} too",
                f"every charger has its own {field}" + (f"; the first is at {place}" if place else ""),
            )


def _unassumable(stations: Iterable[Station]) -> Iterator[Diagnostic]:
    for station in stations:
        assumed = station.quirks.assume_version
        if assumed is not None and assumed not in station.versions:
            yield error(
                station.resource,
                "spec.quirks.assumeVersion",
                f"spec.quirks.assumeVersion: {assumed} is not among the charger's versions",
                f"use one of: {', '.join(station.versions)}",
            )
