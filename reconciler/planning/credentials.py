"""Credentials: whether every leg has what its security profile needs, and sends no password in the clear."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.kinds import BackendSpec, SecurityProfileSpec
from reconciler.planning.binding import BindingLegs
from reconciler.planning.declared import Declared
from reconciler.planning.findings import error, several, warning
from reconciler.planning.stations import Station

_BASIC: Final = (1, 2)
_TLS: Final = (2, 3)


def credential_findings(
    declared: Declared, stations: Mapping[str, Station], bindings: Sequence[BindingLegs]
) -> Iterator[Diagnostic]:
    """Yield what is missing in security profiles for the legs that use them, and passwords sent in the clear."""
    passing = {leg.backend.name for binding in bindings if (leg := binding.passthrough)}
    owning = {leg.backend.name for binding in bindings for leg in binding.legs if leg.credentials == "own"}
    profiles = {resource.address.name: spec for resource, spec in declared.of("security-profile", SecurityProfileSpec)}
    users: dict[str, dict[str, list[str]]] = {}
    for resource, spec in declared.of("backend", BackendSpec):
        name, profile = resource.address.name, profiles.get(spec.security_profile or "")
        if profile is None or spec.url is None:
            continue
        only_passing = name in passing and name not in owning
        for need in _needs_of_backend(profile, only_passing=only_passing):
            users.setdefault(spec.security_profile or "", {}).setdefault(need, []).append(str(resource.address))
        if profile.profile in _TLS and urlsplit(spec.url).scheme == "ws":
            summary = f"spec.url: security profile {profile.profile} needs TLS, and this is ws://"
            yield error(resource, "spec.url", summary, "use wss://, or a profile without TLS")
        elif (profile.profile in _BASIC or name in passing) and _in_the_clear(spec.url):
            summary = f"spec.url: the password of {spec.security_profile} is sent unencrypted over ws://"
            yield warning(resource, "spec.url", summary, "use wss:// and security profile 2")
    _collect_station_needs(users, profiles, stations, bindings)
    for name, needs in users.items():
        profile_resource = declared.resources[f"security-profile.{name}"]
        for need, who in needs.items():
            summary = f"spec: profile {profiles[name].profile} needs {need} for {several(who)}"
            yield error(profile_resource, "spec.profile", summary, f"add {need}: {{fromEnv: ...}} or {{fromFile: ...}}")


def _needs_of_backend(profile: SecurityProfileSpec, *, only_passing: bool) -> Iterator[str]:
    if profile.profile in _BASIC and profile.password is None and not only_passing:
        yield "password"
    if profile.profile == 3 and profile.certificate is None:
        yield "certificate"


def _collect_station_needs(
    users: dict[str, dict[str, list[str]]],
    profiles: Mapping[str, SecurityProfileSpec],
    stations: Mapping[str, Station],
    bindings: Sequence[BindingLegs],
) -> None:
    """Add to `users` the chargers whose leg lacks something; a passed-through password the relay need not know."""
    for binding in bindings:
        for name in binding.bound.chargers:
            used = stations[name].security_profile
            profile = profiles.get(used)
            if profile is None:
                continue
            if profile.profile in _BASIC and profile.password is None and binding.passthrough is None:
                users.setdefault(used, {}).setdefault("password", []).append(f"charger.{name}")
            if profile.profile == 3 and profile.trusted_ca is None:
                users.setdefault(used, {}).setdefault("trustedCa", []).append(f"charger.{name}")


def _in_the_clear(url: str) -> bool:
    """True where `url` is plain ws to a host that is not this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "ws" or host == "localhost":
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True
