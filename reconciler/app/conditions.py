"""Conditions: how the things stand that notification rules are about, read off sessions and memories.

Nothing here is told by frames as they pass: statuses are those that the session keeps anyway, and are only searched
for one word until that is there.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from reconciler.app.charger_slot import ChargerSlot
from reconciler.app.load_facts import owners_of
from reconciler.app.reported_faults import ReportedFault
from reconciler.local.load.facts import PolicyLoad
from reconciler.local.notifications import Condition
from reconciler.model.live import LegPhase, LiveCharger
from reconciler.model.local_rules import EVENT_FEATURES, NotificationRule

_FAULTED: Final = b'"Faulted"'
_WELL: Final = ReportedFault(False, "")
SETTLE: Final = timedelta(minutes=2)
"""So long after its start the relay waits for stations to come back before it calls one offline."""


class _Status(msgspec.Struct, gc=False):
    connectorId: int = 0  # as OCPP writes it
    evseId: int = 0
    status: str = ""
    connectorStatus: str = ""
    errorCode: str = ""
    vendorErrorCode: str = ""
    info: str = ""
    timestamp: str = ""


_STATUS: Final = msgspec.json.Decoder(_Status)


class Onsets:
    """Since when each thing has stood, for what does not say so itself."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], datetime] = {}

    def since(self, event: str, key: str, stands: bool, now: datetime) -> datetime:
        """Return since when it has stood; `now` where it does not, or only now does."""
        if not stands:
            self._since.pop((event, key), None)
            return now
        return self._since.setdefault((event, key), now)


def offline(charger: str, slot: ChargerSlot, started: datetime) -> Condition | None:
    """Return whether a charger is offline, None where it never was online."""
    connected = slot.session is not None
    if not connected and slot.memory.boot is None and not slot.last_seen_s:
        return None
    last_seen = datetime.fromtimestamp(slot.last_seen_s, UTC) if slot.last_seen_s else started + SETTLE
    owner = owners_of(slot).get(EVENT_FEATURES["charger-offline"], "nobody")
    return Condition("charger-offline", charger, charger, not connected, last_seen, (owner,), charger)


def offline_elsewhere(charger: str, slot: ChargerSlot, live: LiveCharger, onsets: Onsets, now: datetime) -> Condition:
    """Return whether a charger is offline that was connected to another node last, by that node's report."""
    since = onsets.since("charger-offline", charger, not live.connected, now)
    owner = (live.owners or slot.desired.owners).get(EVENT_FEATURES["charger-offline"], "nobody")
    return Condition("charger-offline", charger, charger, not live.connected, since, (owner,), charger)


def faulted(
    charger: str, slot: ChargerSlot, reported: Mapping[str, ReportedFault], onsets: Onsets, now: datetime
) -> Iterator[Condition]:
    """Yield whether each connector that reported is faulted; `reported` is what NotifyEvent said, which goes first."""
    owner = owners_of(slot).get(EVENT_FEATURES["connector-faulted"], "nobody")
    found = dict(reported)
    for where, payload in slot.memory.statuses.items():
        if where not in found:
            found[where] = _reported(payload)
    for where, fault in found.items():
        key = f"{charger}/{where.replace('/', '-')}"
        since = onsets.since("connector-faulted", key, fault.stands, now)
        detail = fault.detail if fault.stands else ""
        yield Condition("connector-faulted", key, charger, fault.stands, since, (owner,), charger, detail)


def legs_of(slot: ChargerSlot, now_s: float) -> dict[str, bool]:
    """Return back-end -> whether it is away for so long that it is down; not those that are only on their way."""
    found: dict[str, bool] = {}
    for leg in slot.session.core.state.legs.values() if slot.session is not None else ():
        if leg.away_since is not None and now_s >= leg.away_since + leg.spec.backend.down_after_s:
            found[leg.name] = True
        elif leg.phase is LegPhase.REGISTERED:
            found[leg.name] = False
    return found


def backends_down(
    rule: NotificationRule,
    legs: Mapping[str, Mapping[str, bool]],
    slots: Mapping[str, ChargerSlot],
    onsets: Onsets,
    now: datetime,
) -> Iterator[Condition]:
    """Yield for each back-end whether it is away, for whichever of the rule's chargers; `legs` by charger."""
    away: dict[str, list[str]] = {}
    back: set[str] = set()
    for name in rule.chargers:
        for backend, is_away in legs.get(name, {}).items():
            if is_away:
                away.setdefault(backend, []).append(name)
            else:
                back.add(backend)
    for backend in away.keys() | back:
        chargers = away.get(backend, [])
        since = onsets.since("backend-down", f"{rule.name}/{backend}", bool(chargers), now)
        owners = owners_on(chargers or rule.chargers, slots, EVENT_FEATURES["backend-down"])
        detail = f"for {len(chargers)} charger{'' if len(chargers) == 1 else 's'}" if chargers else ""
        yield Condition("backend-down", backend, backend, bool(chargers), since, owners, "", detail)


def loads_exceeded(
    rule: NotificationRule,
    pictures: Iterable[PolicyLoad],
    slots: Mapping[str, ChargerSlot],
    onsets: Onsets,
    now: datetime,
) -> Iterator[Condition]:
    """Yield for each load policy whether its chargers may draw more than its limit."""
    for picture in pictures:
        chargers = [load.charger for load in picture.chargers if load.charger in rule.chargers]
        if not chargers:
            continue
        since = onsets.since("load-exceeded", f"{rule.name}/{picture.name}", not picture.is_kept, now)
        owners = owners_on(chargers, slots, EVENT_FEATURES["load-exceeded"])
        detail = f"{picture.counted_w / 1000:.1f} kW may be drawn, the limit is {picture.limit_w / 1000:g} kW"
        about = f"load-policy.{picture.name}"
        yield Condition("load-exceeded", picture.name, about, not picture.is_kept, since, owners, "", detail)


def owners_on(chargers: Iterable[str], slots: Mapping[str, ChargerSlot], feature: str) -> tuple[str, ...]:
    """Return who owns a feature on any of these chargers, each once, by name."""
    return tuple(sorted({owners_of(slots[name]).get(feature, "nobody") for name in chargers if name in slots}))


def _reported(payload: bytes) -> ReportedFault:
    """Return what a StatusNotification says."""
    status = _status(payload) if _FAULTED in payload else None
    if status is None or "Faulted" not in (status.status, status.connectorStatus):
        return _WELL
    return ReportedFault(True, _fault_text(status))


def _status(payload: bytes) -> _Status | None:
    try:
        return _STATUS.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _fault_text(status: _Status) -> str:
    where = (
        f"EVSE {status.evseId}, connector {status.connectorId}" if status.evseId else f"connector {status.connectorId}"
    )
    codes = [code for code in (status.errorCode, status.vendorErrorCode, status.info) if code and code != "NoError"]
    return ", ".join([where, *codes])[:200]
