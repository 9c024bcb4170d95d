"""`openTransaction`: whether the owner of transactions may change while one is open (R10).

    on a live session       a flip that would move it is refused, until it is over
    between two sessions    the next one begins with the roles of before; who wants others asks again, and is refused

Between two sessions a station may have been gone for a second, or the relay have been restarted: neither is a reason to
have a transaction end where it never began.
"""

from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.relay.memory import SessionMemory


def holds_back(running: DesiredCharger, desired: DesiredCharger, memory: SessionMemory) -> str | None:
    """Return why `desired` has to wait, or None where it need not."""
    transactions, policy = memory.transactions, desired.flip.open_transaction
    moves = running.owners.get("transactions") != desired.owners.get("transactions")
    if policy == "proceed" or not transactions or not moves:
        return None
    return f"transaction {', '.join(transactions)} is open and openTransaction is {policy}"


def begins_with(desired: DesiredCharger, memory: SessionMemory, version: str) -> DesiredCharger:
    """Return what a session in `version` is to begin with where `desired` is wanted.

    Roles of before are taken up as their back-ends are reached now; all that concerns the station itself is as desired.
    """
    ran = memory.ran
    if ran is None or holds_back(ran, desired, memory) is None:
        return desired
    if any(version not in leg.backend.versions for leg in ran.legs if leg.backend.name in ran.owners.values()):
        return desired
    return replace(
        desired,
        legs=tuple(_as_reached_now(leg, desired) for leg in ran.legs),
        owners=ran.owners,
        flip=ran.flip,
        when_owner_is_down=ran.when_owner_is_down,
        failover=ran.failover,
        local=ran.local,
        because=ran.because,
    )


def _as_reached_now(leg: DesiredLeg, desired: DesiredCharger) -> DesiredLeg:
    now = desired.leg(leg.backend.name)
    return leg if now is None else replace(leg, backend=now.backend, credentials=now.credentials)
