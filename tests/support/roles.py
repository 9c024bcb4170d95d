"""Desired chargers for tests of the relay core: back-ends by name, each in a role."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from reconciler.model.desired import Backend, DesiredCharger, DesiredLeg, FlipPolicy, Role, Security, VendorMessage
from reconciler.model.features import EVERY_FEATURE, FEATURES, OCPP_VERSIONS

PRIMARY: Final = Role("primary", owns=frozenset({EVERY_FEATURE}))
PASSIVE: Final = Role("passive", owns=frozenset())
READER: Final = Role("reader", owns=frozenset(), may_read=True)


def hybrid(
    *owns: str, observes: Collection[str] = (EVERY_FEATURE,), may_read: bool = False, vendors: Collection[str] = ()
) -> Role:
    """Return a role that owns these features by name, and DataTransfer of these vendors (globs)."""
    messages = tuple(VendorMessage(vendor) for vendor in vendors)
    return Role("hybrid", frozenset(owns), frozenset(observes), may_read, messages)


def backend(name: str, **options: Any) -> Backend:
    """Return a back-end that speaks every version; `options` are Backend's own."""
    return Backend(**{"name": name, "url": f"wss://{name}.example/ocpp", "versions": OCPP_VERSIONS} | options)


def charger(
    roles: Mapping[str, Role], flip: FlipPolicy | None = None, options: Mapping[str, Mapping[str, Any]] | None = None
) -> DesiredCharger:
    """Return the charger CP001 with these back-ends; `options` by back-end name are Backend's own.

    A feature that no role owns by name belongs to the one role that owns every feature.
    """
    everything = next(name for name, role in roles.items() if EVERY_FEATURE in role.owns)
    owners = dict.fromkeys(FEATURES, everything)
    for name, role in roles.items():
        owners |= dict.fromkeys(role.owns & owners.keys(), name)
    legs = tuple(DesiredLeg(backend(name, **(options or {}).get(name, {})), role) for name, role in roles.items())
    return DesiredCharger(
        "CP001", "CP001", None, OCPP_VERSIONS, Security(), legs, owners, flip or FlipPolicy(confirm_within_s=60)
    )
