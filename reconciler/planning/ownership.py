"""Ownership: which one back-end owns each feature of a charger (R5), and what is wrong where it isn't one."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from reconciler.model.desired import DesiredLeg
from reconciler.model.features import EVERY_FEATURE, FEATURES
from reconciler.planning.findings import several


class Fault(msgspec.Struct, frozen=True):
    """Why these legs cannot serve a charger; `backend` is the one to look at, "" for all of them."""

    summary: str
    hint: str
    backend: str = ""


def owners_of(legs: Sequence[DesiredLeg]) -> Mapping[str, str]:
    """Return feature -> back-end for every feature that has exactly one owner among `legs`."""
    return {feature: claims[0] for feature, claims in _claims(legs).items() if len(claims) == 1}


def _claims(legs: Sequence[DesiredLeg]) -> dict[str, tuple[str, ...]]:
    """Return feature -> the back-ends that claim it: by name, or else all that own "*"."""
    rest = tuple(leg.backend.name for leg in legs if EVERY_FEATURE in leg.role.owns)
    by_name: dict[str, list[str]] = {}
    for leg in legs:
        for feature in leg.role.owns:
            by_name.setdefault(feature, []).append(leg.backend.name)
    return {feature: tuple(by_name.get(feature, rest)) for feature in FEATURES}


def ownership_faults(legs: Sequence[DesiredLeg]) -> Iterator[Fault]:
    """Yield a fault for the features that several back-ends own, one for those without owner, one for passthrough."""
    by_claimants: dict[tuple[str, ...], list[str]] = {}
    for feature, claims in _claims(legs).items():
        if len(claims) != 1:
            by_claimants.setdefault(claims, []).append(feature)
    for claims, features in by_claimants.items():
        if claims:
            yield Fault(
                f"{_features(features)} has {len(claims)} owners: {several(claims)}",
                "give all but one of them a role that does not own it, for example passive",
                backend=claims[-1],
            )
        else:
            yield Fault(
                f"{_features(features)} has no owner",
                'give one back-end the role primary, or a role that owns it by name or through "*"',
            )
    yield from _vendor_message_faults(legs)


def _features(features: Sequence[str]) -> str:
    if len(features) == len(FEATURES):
        return "every feature"
    return ("feature " if len(features) == 1 else "each of the features ") + ", ".join(features)


def _vendor_message_faults(legs: Sequence[DesiredLeg]) -> Iterator[Fault]:
    first: dict[object, str] = {}
    for leg in legs:
        for message in leg.role.vendor_messages:
            owner = first.setdefault(message, leg.backend.name)
            if owner != leg.backend.name:
                claimed = f"{message.vendor_id}/{message.message_id}"
                yield Fault(
                    f"vendor message {claimed} has 2 owners: {owner} and {leg.backend.name}",
                    "take it out of vendorMessages of one of the two roles",
                    backend=leg.backend.name,
                )


def version_faults(legs: Sequence[DesiredLeg], versions: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault where a station that speaks `versions` cannot have all owners of `legs` on its one connection."""
    owning = set(owners_of(legs).values())
    common = set(versions)
    for leg in (leg for leg in legs if leg.backend.name in owning):
        backend = leg.backend
        if not common & set(backend.versions):
            apart = not set(versions) & set(backend.versions)
            others = "the charger" if apart else "the charger and its other owners"
            yield Fault(
                f"{backend.name} ({leg.role.name}) speaks {', '.join(backend.versions)}, but {others}"
                f" only {', '.join(sorted(versions if apart else common))}",
                "owners must speak a version that the charger speaks; give this back-end a role that owns nothing",
                backend=backend.name,
            )
        else:
            common &= set(backend.versions)


def deaf_backends(legs: Sequence[DesiredLeg], versions: Sequence[str]) -> Iterator[str]:
    """Yield back-ends that own nothing and speak none of `versions`: their legs can never open."""
    owning = set(owners_of(legs).values())
    for leg in legs:
        if leg.backend.name not in owning and not set(versions) & set(leg.backend.versions):
            yield leg.backend.name
