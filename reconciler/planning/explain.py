"""Explaining: which layer decides who owns what on a charger, and why; in words that need no other page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from reconciler.errors import InvalidSpecs, UnknownAddress
from reconciler.model.desired import DesiredCharger
from reconciler.model.failovers import Failover
from reconciler.model.features import FEATURES
from reconciler.model.interventions import Interventions
from reconciler.model.outages import Occurrence
from reconciler.model.overrides import Override
from reconciler.model.site import Site
from reconciler.planning.effective import Layer, LayerKind, layers_at, next_boundary, with_roles

DECIDES: Final = "decides"
OVERRULED: Final = "overruled"


class Decision(msgspec.Struct, frozen=True):
    """Who owns these features, and which layer made it so."""

    features: tuple[str, ...]
    owner: str
    kind: LayerKind
    because: str


class LayerAccount(msgspec.Struct, frozen=True):
    """One layer on the charger; `verdict` is DECIDES, OVERRULED by one above, or why it does not fit."""

    kind: LayerKind
    because: str
    until: datetime | None
    verdict: str


class Explanation(msgspec.Struct, frozen=True):
    """Why a charger runs as it does at `at`: layers highest first; `changes_at`: when it may next change by itself."""

    charger: str
    at: datetime
    decisions: tuple[Decision, ...]
    layers: tuple[LayerAccount, ...]
    changes_at: datetime | None
    not_yet: str = ""
    """Why it does not run so now, "" where it does, is offline, or was asked about another time."""


def explain(site: Site, state: Interventions, now: datetime, name: str, held: str = "") -> Explanation:
    """Return what decides on the declared charger `name` at `now`.

    `held`: why it runs as an earlier revision declares it, with `site` as it then is; "" where it does not.
    """
    declared = site.chargers[name]
    because = f"declared by {site.bound_by[name]}{f' {held}' if held else ''}"
    accounts: list[LayerAccount] = []
    standing: list[tuple[LayerKind, str, DesiredCharger]] = [(LayerKind.DECLARED, because, declared)]
    for layer in layers_at(site, state, now).get(name, ()):
        told = layer_text(layer)
        try:
            standing.append((layer.kind, told, with_roles(site, declared, layer.roles, layer.flip)))
        except (InvalidSpecs, UnknownAddress) as reason:
            accounts.append(LayerAccount(layer.kind, told, layer.until, f"does not fit: {reason.summary}"))
        else:
            accounts.append(LayerAccount(layer.kind, told, layer.until, OVERRULED))
    accounts = _with_the_decider(accounts)
    return Explanation(
        charger=name,
        at=now,
        decisions=_decisions(standing),
        layers=(*reversed(accounts), LayerAccount(LayerKind.DECLARED, because, None, _of_declared(accounts))),
        changes_at=_next_change(site, state, now, name),
    )


def layer_text(layer: Layer) -> str:
    """Return what a layer comes from and why: "scheduled-outage.acme-firmware (quarterly firmware)"."""
    return " and ".join(map(source_text, layer.sources))


def source_text(source: Override | Occurrence | Failover) -> str:
    """Return what one source of a layer is: who or what asked for it, and why."""
    if isinstance(source, Override):
        return f"toggled by {source.actor} ({source.reason})"
    if isinstance(source, Failover):
        return f"{source.backend} is down, {source.to} stands in since {source.since:%Y-%m-%d %H:%M:%S} UTC"
    outage = source.outage
    return (
        outage.address
        + (f" by {outage.actor}" if outage.actor else "")
        + (f" ({outage.reason})" if outage.reason else "")
    )


def _with_the_decider(accounts: Sequence[LayerAccount]) -> list[LayerAccount]:
    """Return the accounts, lowest first, the highest one that fits named as the one that decides."""
    found = list(accounts)
    for index in range(len(found) - 1, -1, -1):
        if found[index].verdict == OVERRULED:
            found[index] = LayerAccount(found[index].kind, found[index].because, found[index].until, DECIDES)
            break
    return found


def _of_declared(accounts: Sequence[LayerAccount]) -> str:
    return "decides the rest" if any(account.verdict == DECIDES for account in accounts) else DECIDES


def _decisions(standing: Sequence[tuple[LayerKind, str, DesiredCharger]]) -> tuple[Decision, ...]:
    """Return who owns what: a feature is decided by the lowest layer from which on its owner stays the same."""
    top = standing[-1][2].owners
    grouped: dict[tuple[str, LayerKind, str], list[str]] = {}
    for feature in FEATURES:
        index = len(standing) - 1
        while index and standing[index - 1][2].owners[feature] == top[feature]:
            index -= 1
        kind, because, _ = standing[index]
        grouped.setdefault((top[feature], kind, because), []).append(feature)
    found = [Decision(tuple(features), *key) for key, features in grouped.items()]
    return tuple(sorted(found, key=lambda decision: -len(decision.features)))


def _next_change(site: Site, state: Interventions, now: datetime, name: str) -> datetime | None:
    mine = Interventions(
        tuple(override for override in state.overrides if override.charger == name),
        tuple(outage for outage in state.begun if name in outage.chargers),
        state.adjustments,
    )
    return next_boundary(tuple(outage for outage in site.outages if name in outage.chargers), mine, now)
