"""Turns: chargers that run as an earlier revision has them, because their turn has not come or they are paused.

    declared now ──held──> declared as of the hold's base ──layers──> effective desired state

A hold lapses by itself: a paused one once the charger is paused no more, for the moment that is looked at.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.model.desired import DesiredCharger
from reconciler.model.interventions import Interventions
from reconciler.model.kinds.binding import BackendBindingSpec
from reconciler.model.rollouts import Hold, Pause
from reconciler.model.site import Site

Bases = Mapping[int, Site]
"""The site of each revision that a hold is based on."""

PAUSED: Final = "paused"


class After(msgspec.Struct, frozen=True):
    """What is to be once a plan is applied: the site as it then runs, and the chargers that wait to be resumed."""

    site: Site
    waits: Mapping[str, str] = msgspec.field(default_factory=dict)


def paused_chargers(site: Site, state: Interventions) -> dict[str, str]:
    """Return the chargers that are to be left alone, and who says so: "ann (maintenance)"."""
    bindings = {
        address
        for address, resource in site.resources.items()
        if isinstance(resource.spec, BackendBindingSpec) and resource.spec.reconcile == PAUSED
    }
    found = {name: f"by {by}" for name, by in site.bound_by.items() if by in bindings} if bindings else {}
    return found | {pause.charger: pause_text(pause) for pause in state.pauses}


def pause_text(pause: Pause) -> str:
    """Return who paused, why and for how long: "by ann until 2026-12-01 02:00 UTC (maintenance)"."""
    until = f" until {pause.until:%Y-%m-%d %H:%M} UTC" if pause.until is not None else ""
    return f"by {pause.actor}{until} ({pause.reason})"


def holds_in_force(state: Interventions, paused: Mapping[str, str]) -> dict[str, Hold]:
    """Return the hold on each charger that has one which counts now."""
    return {hold.charger: hold for hold in state.holds if not hold.paused or hold.charger in paused}


def as_held(site: Site, holds: Mapping[str, Hold], bases: Bases) -> Site:
    """Return the site with every held charger as its base has it; the same object where none is held.

    A charger that its base did not have is not there yet, one that was deleted since still is.
    """
    if not holds:
        return site
    chargers = dict(site.chargers)
    for name, hold in holds.items():
        _put(chargers, name, bases[hold.base].chargers.get(name))
    return replace(site, chargers=chargers)


def after_apply(applied: Site, wanted: Site, before: Site, state: Interventions) -> After:
    """Return what runs once `wanted` is applied over `applied`, of which `before` is what runs now.

    A charger that waits for an earlier apply goes on waiting, unless its own desired state changes: then this apply
    takes it over. One that is paused is brought there once it is resumed.
    """
    paused = paused_chargers(wanted, state)
    holds = holds_in_force(state, paused_chargers(applied, state))
    if not paused and not holds:
        return After(wanted)
    chargers, waits = dict(wanted.chargers), {}
    for name in holds:
        untouched = applied.chargers.get(name) == wanted.chargers.get(name)
        if untouched and (not holds[name].paused or name in paused):
            _put(chargers, name, before.chargers.get(name))
    for name, why in paused.items():
        now, then = before.chargers.get(name), chargers.get(name)
        if now is not None and now != then:
            waits[name] = f"it is resumed (paused {why})"
    return After(replace(wanted, chargers=chargers), waits)


def hold_text(hold: Hold) -> str:
    """Return what a held charger waits for, and what to type: "apply 3f2a91c0 has not come to it; ..."."""
    if hold.paused:
        return "it is paused, and takes up what was applied since once it is resumed"
    return f"apply {hold.rollout} has not come to it; where that was stopped: fwdctl apply --resume {hold.rollout}"


def _put(chargers: dict[str, DesiredCharger], name: str, charger: DesiredCharger | None) -> None:
    if charger is None:
        chargers.pop(name, None)
    else:
        chargers[name] = charger
