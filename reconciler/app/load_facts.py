"""What load management knows of a charger, read off its session and its memory; nothing here waits or writes."""

from collections.abc import Mapping
from typing import Protocol

from reconciler.app.charger_slot import ChargerSlot
from reconciler.local.load.facts import Facts, Terms
from reconciler.local.load.metering import Meter
from reconciler.local.load.profiles import PURPOSES
from reconciler.model.desired import LOCAL
from reconciler.model.features import RESIDUE_FEATURES
from reconciler.model.live import LegPhase
from reconciler.model.local_rules import LoadMember, LoadPolicy
from reconciler.relay import events

PROFILE = "charging-profile"
_SMART_CHARGING = RESIDUE_FEATURES[PROFILE]


class Slots(Protocol):
    """The chargers of this process, as the relay node keeps them."""

    def slot(self, charger: str) -> ChargerSlot | None:
        """Return what is kept of a charger, None where it is not declared."""


def terms_of(policy: LoadPolicy) -> Terms:
    """Return what a policy asks for, without its chargers."""
    return Terms(
        policy.name,
        policy.limit_w,
        policy.min_w,
        policy.by_priority,
        policy.reserve_w,
        policy.not_governed,
        policy.stale_s,
        policy.amperes_at_v,
    )


def facts_of(member: LoadMember, slot: ChargerSlot | None, meter: Meter, now_s: float, stale_s: float) -> Facts:
    """Return what is known of one charger of a policy at `now_s` (monotonic seconds)."""
    if slot is None:
        return Facts(member.charger, member.rated_w, "not declared here yet", connected=False, seen=False)
    owner = owners_of(slot).get(_SMART_CHARGING, "nobody")
    governed = owner == LOCAL
    connected = slot.session is not None and (not governed or is_at_work(slot))
    began = [transaction.since_s for transaction in slot.memory.transactions.values()]
    return Facts(
        member.charger,
        member.rated_w,
        "" if governed else f"{owner} owns {_SMART_CHARGING}",
        connected=connected,
        seen=slot.session is not None or slot.last_seen_s > 0 or slot.memory.boot is not None,
        session=slot.connections,
        active_since_s=min(began, default=None),
        reading=meter.reading(now_s, stale_s),
        standing=stands(slot),
        priority=member.priority,
    )


def owners_of(slot: ChargerSlot) -> Mapping[str, str]:
    """Return who owns what on a charger: live, or from its next connection on."""
    return slot.session.core.state.table.owners if slot.session is not None else slot.desired.owners


def is_at_work(slot: ChargerSlot) -> bool:
    """Return True while `local` may call the charger."""
    leg = slot.session.core.state.legs.get(LOCAL) if slot.session is not None else None
    return leg is not None and leg.phase is LegPhase.REGISTERED


def stands(slot: ChargerSlot) -> bool:
    """Return True where a limit of ours stands in the charger, as far as the relay knows."""
    return any(
        left.kind == PROFILE and left.detail.startswith(tuple(PURPOSES)) for left in slot.memory.residue.of(LOCAL)
    )


def disown(slot: ChargerSlot) -> None:
    """Have the relay take our limit away from a charger on which smart-charging is another's (R14)."""
    if slot.session is not None:
        slot.session.feed(events.ResidueDisowned(LOCAL, PROFILE, tuple(PURPOSES)))
