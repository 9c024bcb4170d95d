"""Effects: what a change of desired state does to each charger, grouped by fate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.model.desired import LOCAL, DesiredCharger, DesiredLeg
from reconciler.model.features import FEATURES, RESIDUE_FEATURES
from reconciler.model.live import LiveCharger
from reconciler.model.plan import Disruption, Effect, Move

_SEVERITY: Final = {disruption: rank for rank, disruption in enumerate(Disruption)}
_GONE: Final = "no longer declared: its connection is closed"
_FATES: Final = {"keep": "kept", "clear": "cleared", "restore": "restored"}
_NEW: Final = "newly declared"
NOBODY_WAITS: Final[Mapping[str, str]] = MappingProxyType({})


class _Fate(msgspec.Struct, frozen=True):
    """What one charger goes through; chargers with equal fates make a group."""

    disruption: Disruption
    until: str
    moves: tuple[Move, ...]
    notes: tuple[str, ...]
    paused: bool = False


@dataclass(slots=True)
class _Members:
    chargers: list[str] = field(default_factory=list)
    in_transaction: list[str] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)


def effects_of(
    before: Mapping[str, DesiredCharger],
    after: Mapping[str, DesiredCharger],
    live: Mapping[str, LiveCharger],
    waits: Mapping[str, str] = NOBODY_WAITS,
) -> tuple[Effect, ...]:
    """Return what chargers go through when effective desired state goes from `before` to `after`, worst first.

    All are by charger name; `waits` says of those that are paused what they wait for. A charger whose state stays
    equal is in no effect.
    """
    groups: dict[_Fate, _Members] = {}
    for name in sorted(_changed(before, after)):
        old, new = before.get(name), after.get(name)
        session = live.get(name)
        fate = _fate(old, new, session)
        if name in waits:
            fate = replace(fate, disruption=Disruption.REFUSED, until=waits[name], paused=True)
        members = groups.setdefault(fate, _Members())
        if session is None or not session.connected:
            members.deferred.append(name)
            continue
        members.chargers.append(name)
        if session.transactions:
            members.in_transaction.append(name)
    effects = (
        Effect(
            fate.disruption,
            fate.until,
            fate.moves,
            fate.notes,
            tuple(members.chargers),
            tuple(members.in_transaction),
            tuple(members.deferred),
            fate.paused,
        )
        for fate, members in groups.items()
    )
    return tuple(sorted(effects, key=lambda effect: (-_SEVERITY[effect.disruption], -len(effect.names), effect.names)))


def _fate(old: DesiredCharger | None, new: DesiredCharger | None, live: LiveCharger | None) -> _Fate:
    moves = moves_between(old.owners if old else {}, new.owners if new else {})
    if new is None:
        return _Fate(Disruption.DISCONNECT, "", moves, (_GONE,))
    if old is None:
        return _Fate(Disruption.NONE, "", moves, (_NEW,))
    version = live.version if live is not None and live.connected else None
    station = [*_station_changes(old, new, version)]
    findings = [*station, *_leg_changes(old, new)]
    notes = (*(note for _, note in findings), *_residue_notes(new, moves, live))
    kinds = {kind for kind, _ in findings} | ({Disruption.LIVE_FLIP} if moves else set())
    worst = max(kinds, key=_SEVERITY.__getitem__, default=Disruption.NONE)
    comes_anew = any(kind is Disruption.RECONNECT for kind, _ in station)
    until = "" if live is None or not live.connected or comes_anew else _refused_until(new, moves, live)
    return _Fate(Disruption.REFUSED if until else worst, until, moves, notes)


def _changed(before: Mapping[str, DesiredCharger], after: Mapping[str, DesiredCharger]) -> Iterator[str]:
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old is not new and old != new:
            yield name


def moves_between(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Move, ...]:
    """Return who loses which features to whom, given the owner of each feature before and after."""
    moved: dict[tuple[str, str], list[str]] = {}
    for feature in FEATURES:
        loser, winner = before.get(feature, ""), after.get(feature, "")
        if loser != winner:
            moved.setdefault((loser, winner), []).append(feature)
    return tuple(Move(tuple(features), loser, winner) for (loser, winner), features in moved.items())


def _refused_until(new: DesiredCharger, moves: tuple[Move, ...], live: LiveCharger) -> str:
    """Return what the relay will wait for before it flips this charger, "" where it flips at once."""
    for winner in dict.fromkeys(move.after for move in moves):
        leg = new.leg(winner)
        if leg is not None and winner != LOCAL and live.version and live.version not in leg.backend.versions:
            return f"it connects with {' or '.join(leg.backend.versions)}, all that {winner} speaks"
    moves_transactions = any("transactions" in move.features for move in moves)
    if moves_transactions and live.transactions and new.flip.open_transaction != "proceed":
        return "the open transaction ends"
    return ""


def _residue_notes(new: DesiredCharger, moves: tuple[Move, ...], live: LiveCharger | None) -> Iterator[str]:
    """Yield what losers leave in the station, and what becomes of it (R14)."""
    lost = {feature: move.before for move in moves for feature in move.features}
    policy = new.flip.handover
    fate = {
        "charging-profile": policy.charging_profiles,
        "reservation": policy.reservations,
        "availability": policy.availability,
        "local-list": policy.local_list,
        "display-message": policy.display_messages,
        "der-control": policy.der_controls,
    }
    for left in sorted(live.residue if live is not None else (), key=lambda left: (left.owner, left.kind)):
        if lost.get(RESIDUE_FEATURES[left.kind]) == left.owner:
            decided = fate.get(left.kind, "keep") if left.stuck < left.count else "keep"
            yield f"{left.owner} leaves {left.kind} in the station: {_FATES[decided]}"


def _station_changes(old: DesiredCharger, new: DesiredCharger, version: str | None) -> Iterator[tuple[Disruption, str]]:
    """Yield what changes between station and relay; `version` is what the connected station speaks."""
    if old.identity != new.identity:
        yield Disruption.RECONNECT, f"identity {old.identity} -> {new.identity}"
    if old.security != new.security:
        yield Disruption.RECONNECT, "the station's security changes"
    if old.quirks != new.quirks:
        yield Disruption.RECONNECT, "the station's quirks change"
    if old.versions != new.versions:
        lost = version is not None and version not in new.versions
        kind = Disruption.RECONNECT if lost else Disruption.NONE
        yield kind, f"versions {', '.join(old.versions)} -> {', '.join(new.versions)}"
    if old.when_owner_is_down != new.when_owner_is_down:
        yield Disruption.NONE, f"when the owner is down: {old.when_owner_is_down} -> {new.when_owner_is_down}"
    if (old.flip, old.local, old.failover) != (new.flip, new.local, new.failover):
        yield Disruption.NONE, "settings change"
    if (old.serial_number, old.labels) != (new.serial_number, new.labels):
        yield Disruption.NONE, "serial number or labels change"


def _leg_changes(old: DesiredCharger, new: DesiredCharger) -> Iterator[tuple[Disruption, str]]:
    """Yield what changes between relay and back-ends, beyond who owns what."""
    legs_before, legs_after = _connected(old), _connected(new)
    for name in dict.fromkeys([*legs_after, *legs_before]):
        before, after = legs_before.get(name), legs_after.get(name)
        if before == after:
            continue
        if before is None and after is not None:
            yield Disruption.NONE, f"{name} joins as {after.role.name}"
        elif after is None:
            yield Disruption.NONE, f"{name} leaves"
        elif before is not None:
            yield from _leg_change(name, before, after, owns=name in new.owners.values())


def _leg_change(name: str, old: DesiredLeg, new: DesiredLeg, *, owns: bool) -> Iterator[tuple[Disruption, str]]:
    if old.role.name != new.role.name:
        yield Disruption.NONE, f"{name}: {old.role.name} -> {new.role.name}"
    elif old.role != new.role:
        yield Disruption.NONE, f"{name}: what role {new.role.name} may do changes"
    if _dialled(old) != _dialled(new):
        yield Disruption.RECONNECT if owns else Disruption.NONE, f"{name} is dialled again"
    elif old.backend != new.backend:
        yield Disruption.NONE, f"{name}: versions or timing change"


def _connected(charger: DesiredCharger) -> dict[str, DesiredLeg]:
    return {leg.backend.name: leg for leg in charger.legs if leg.role.connected}


def _dialled(leg: DesiredLeg) -> tuple[object, ...]:
    """Return what a connection to the back-end is made from."""
    return leg.backend.url, leg.backend.security, leg.backend.compression, leg.credentials
