"""Use case dump: what is applied, as documents that plan to nothing; and specs for stations that knocked."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final, get_args

import msgspec

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import OcppVersion
from reconciler.model.kinds.charger import ChargerSpec, SplitSystemSpec, check_identity
from reconciler.model.live import Stranger
from reconciler.model.site import Site
from reconciler.planning.order import by_kind

_NAME_MAX: Final = 58
"""Leaves room for a number, where two identities make the same name."""


class Newcomer(msgspec.Struct, frozen=True):
    """A station that knocked and is not declared, and the Charger that would declare it.

    `document` is None for one that can't be declared: it offers no version that we know, or its identity is none.
    """

    stranger: Stranger
    document: Mapping[str, Any] | None


async def dump(specs: AppliedSpecs) -> tuple[Mapping[str, Any], ...]:
    """Return the canonical documents of all applied resources, what others refer to first."""
    resources = (await specs.load()).site.resources
    return tuple(resources[address].content for address in by_kind(resources))


def undeclared(site: Site, strangers: Iterable[Stranger]) -> list[Stranger]:
    """Return the strangers whose identity no declared charger has meanwhile."""
    declared = {charger.identity.casefold() for charger in site.chargers.values()}
    return [stranger for stranger in strangers if stranger.identity.casefold() not in declared]


def newcomers(site: Site, strangers: Sequence[Stranger]) -> tuple[Newcomer, ...]:
    """Return a Charger for every stranger, by identity.

    Its security profile is the one that most chargers of that profile number have; where there is none,
    `profile-N`, which is to be declared first.
    """
    profiles, taken = _usual_profiles(site), set(site.chargers)
    found = []
    for stranger in sorted(undeclared(site, strangers), key=lambda stranger: stranger.identity):
        versions = [version for version in get_args(OcppVersion) if version in stranger.versions]
        document: dict[str, Any] | None = None
        if versions and _is_identity(stranger.identity):
            name = _name(stranger.identity, taken)
            taken.add(name)
            profile = profiles.get(stranger.profile, f"profile-{stranger.profile}")
            spec = {"identity": stranger.identity, "versions": versions, "securityProfile": profile}
            document = {"apiVersion": "fwdctl/v1", "kind": "Charger", "metadata": {"name": name}, "spec": spec}
        found.append(Newcomer(stranger, document))
    return tuple(found)


def _usual_profiles(site: Site) -> dict[int, str]:
    """Return, by number, the name of the profile that most declared chargers have."""
    specs = [resource.spec for resource in site.resources.values()]
    names = Counter(spec.security_profile for spec in specs if isinstance(spec, ChargerSpec | SplitSystemSpec))
    usual: dict[int, str] = {}
    for name, _ in sorted(names.items(), key=lambda counted: (-counted[1], counted[0])):
        profile: Any = site.resources[f"security-profile.{name}"].spec
        usual.setdefault(profile.profile, name)
    return usual


def _is_identity(text: str) -> bool:
    try:
        check_identity(text)
    except InvalidValue:
        return False
    return True


def _name(identity: str, taken: Container[str]) -> str:
    """Return a free name like the identity."""
    plain = re.sub(r"[^a-z0-9.]+", "-", identity.lower())[:_NAME_MAX].strip("-.") or "charger"
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain}-{number}"
    return name
