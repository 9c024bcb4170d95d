"""The gate before operations: what `local` may have a charger do now, and where it may not, why and what helps (M2)."""

from typing import Final

from reconciler.local.operations.operation import Operation
from reconciler.model.desired import LOCAL, DesiredCharger
from reconciler.model.live import LegPhase, LiveCharger
from reconciler.model.operations import Offer

_INSTEAD: Final = {
    "get-config": "get-variables",
    "set-config": "set-variable",
    "get-variables": "get-config",
    "set-variable": "set-config",
    "report": "get-config",
}
"""An operation that a version lacks -> the one that it has for the same."""


def offer(operation: Operation, desired: DesiredCharger, live: LiveCharger | None, *, files: bool) -> Offer:
    """Return whether `operation` can be done on the charger that is to run `desired` and runs `live`.

    `files`: does this server hand out and receive files?
    """
    connected = live is not None and live.connected
    owners = live.owners if live is not None and live.owners is not None else desired.owners
    owner = owners[operation.feature]
    if not _may(operation, desired, owner):
        return _owned_elsewhere(operation, desired, owner)
    reason = way_out = ""
    if live is None or not connected:
        reason, way_out = f"{desired.name} is offline", f"fwdctl status charger.{desired.name}"
    elif live.version not in operation.actions:
        reason, way_out = _not_in(live.version or "", operation, desired.name)
    elif not any(leg.backend == LOCAL and leg.phase is LegPhase.REGISTERED for leg in live.legs):
        reason = f"{desired.name} has not booted yet"
        way_out = f"fwdctl status charger.{desired.name}"
    elif operation.file and not files:
        reason = "this server hands out and receives no files"
        way_out = "fwdctl serve --files HOST:PORT"
    return Offer(operation.name, operation.feature, not reason, owner, reason, way_out)


def _may(operation: Operation, desired: DesiredCharger, owner: str) -> bool:
    """Return True where `local` owns the feature, or may read and this only reads, or owns messages of vendors."""
    leg = desired.leg(LOCAL)
    if owner == LOCAL or leg is None:
        return owner == LOCAL
    return (operation.read_only and leg.role.may_read) or (
        operation.feature == "data-transfer" and bool(leg.role.vendor_messages)
    )


def _owned_elsewhere(operation: Operation, desired: DesiredCharger, owner: str) -> Offer:
    leg = desired.leg(owner)
    role = leg.role.name if leg is not None else "primary"
    how = "proxy mode" if role == "primary" else f"role {role}"
    return Offer(
        operation.name,
        operation.feature,
        available=False,
        owner=owner,
        reason=f"{owner} owns {operation.feature} on charger.{desired.name} ({how})",
        way_out=f'fwdctl toggle {desired.name} --primary local --for 1h --reason "..."',
        owned_elsewhere=True,
    )


def _not_in(version: str, operation: Operation, charger: str) -> tuple[str, str]:
    spoken = version.removeprefix("ocpp")
    instead = _INSTEAD.get(operation.name, "")
    way_out = f"fwdctl op {charger} {instead}" if instead else f"fwdctl op {charger}"
    return f"OCPP {spoken} has no {operation.name}", way_out
