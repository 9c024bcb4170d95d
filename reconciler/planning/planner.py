"""Planner: from what is applied, what is to be and what is live to the plan; values in, one value out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from reconciler.errors import InvalidSpecs
from reconciler.model.diagnostics import Diagnostic, Severity, by_position, has_errors
from reconciler.model.interventions import Interventions
from reconciler.model.live import LiveCharger
from reconciler.model.plan import Absent, Action, Block, Effect, Pending, Plan, ResourceChange
from reconciler.model.site import Resource, Site
from reconciler.planning.change_windows import CHANGE_WINDOW, ChangeWindows
from reconciler.planning.diff import diff_resources
from reconciler.planning.effective import Layer, LayerKind, decide, misfits
from reconciler.planning.effects import effects_of
from reconciler.planning.explain import layer_text
from reconciler.planning.findings import several
from reconciler.planning.guard import Limits, blocks, disrupted
from reconciler.planning.local_rules import coverage_changes
from reconciler.planning.order import by_kind
from reconciler.planning.render import names
from reconciler.planning.resolve_again import resolve_again
from reconciler.planning.turns import Bases, after_apply, as_held, holds_in_force, paused_chargers

_SEVERAL: Final = {"was": "were", "has": "have"}
_WINDOW: Final = f"{CHANGE_WINDOW}."
"""How addresses of change windows begin."""


class Applied(msgspec.Struct, frozen=True):
    """What is applied: the site of a revision, with the version of each of its resources."""

    revision: int
    site: Site
    versions: Mapping[str, int]


class Moment(msgspec.Struct, frozen=True):
    """What a plan sees of the world besides specs: the instant, sessions, interventions, chargers that lag behind.

    `bases` are the sites that held chargers run as of.
    """

    now: datetime
    live: Mapping[str, LiveCharger] = msgspec.field(default_factory=dict)
    interventions: Interventions = msgspec.field(default_factory=Interventions)
    pending: tuple[Pending, ...] = ()
    absent: Absent = msgspec.field(default_factory=Absent)
    bases: Bases = msgspec.field(default_factory=dict)


def make_plan(
    applied: Applied, wanted: Mapping[str, Resource], moment: Moment, *, plan_id: str, limits: Limits | None = None
) -> Plan:
    """Return the plan that turns what is applied into `wanted` (all resources that are to be, by address).

    The same arguments give the same plan. Raises InvalidSpecs as `resolved_over` does.
    """
    site, findings = resolved_over(applied.site, wanted)
    return plan_towards(applied, site, moment, plan_id=plan_id, limits=limits, findings=findings)


def resolved_over(applied: Site, wanted: Mapping[str, Resource]) -> tuple[Site, list[Diagnostic]]:
    """Return the site that `wanted` makes, at the cost of what differs from what is applied, and the warnings about it.

    Raises InvalidSpecs, with everything that is wrong, where `wanted` as a whole does not hold together.
    """
    site, found = resolve_again(wanted, applied)
    findings = by_position(found)
    if has_errors(findings):
        count = sum(finding.severity is Severity.ERROR for finding in findings)
        raise InvalidSpecs(
            f"{count} error{'' if count == 1 else 's'} in the specs once merged with what is applied",
            findings,
            hint="fwdctl validate -f shows those of the files alone",
        )
    return site, findings


def plan_towards(
    applied: Applied,
    site: Site,
    moment: Moment,
    *,
    plan_id: str,
    limits: Limits | None = None,
    findings: Sequence[Diagnostic] = (),
) -> Plan:
    """Return the plan that turns what is applied into `site`; `findings` are the warnings about that."""
    state = moment.interventions
    running = as_held(applied.site, holds_in_force(state, paused_chargers(applied.site, state)), moment.bases)
    following = after_apply(applied.site, site, running, state)
    before = decide(running, state, moment.now).chargers
    decided = decide(following.site, state, moment.now)
    after = decided.chargers
    changes = diff_resources(applied.site.resources, site.resources, applied.versions)
    effects = effects_of(before, after, moment.live, following.waits)
    touched = [name for effect in effects for name in effect.names]
    return Plan(
        plan_id=plan_id,
        created_at=moment.now,
        base_revision=applied.revision,
        resource_changes=changes,
        effects=effects,
        basis=_basis(changes, touched, (applied.site, site), applied.versions),
        live=_connected(moment),
        warnings=(
            *findings,
            *misfits(site, state, moment.now),
            *_overridden(applied.site, site, moment),
            *_under_layers(applied.site, site, decided.layers),
        ),
        blocked=_blocked(applied.site, site, effects, changes, moment, limits or Limits()) if changes else (),
        pending=moment.pending,
        absent=moment.absent,
        coverage=coverage_changes(applied.site, before, site, after),
    )


def carry_out(
    changes: Iterable[ResourceChange], applied: Mapping[str, Resource], after: Iterable[Resource]
) -> dict[str, Resource]:
    """Return the resources, by address, that a plan's changes lead to from `applied`; `after` are those it writes."""
    deleted = {change.address for change in changes if change.action is Action.DELETE}
    kept = {address: resource for address, resource in applied.items() if address not in deleted}
    return kept | {str(resource.address): resource for resource in after}


def staleness(plan: Plan, fresh: Plan) -> tuple[str, ...]:
    """Return why `plan` no longer holds, one sentence for each why; `fresh` is the same change planned against now.

    Which chargers a change touches depends on outages, toggles and failovers in force, too: where one began or ended
    since, other chargers count, although nobody has applied anything.
    """
    applied_since = "something was applied, or " if fresh.base_revision != plan.base_revision else ""
    why = f"{applied_since}an outage, a toggle or a failover began or ended since"
    moved: dict[tuple[str, str], list[str]] = {}
    for address in by_kind(plan.basis.keys() | fresh.basis.keys()):
        then, now = plan.basis.get(address), fresh.basis.get(address)
        if then == now:
            continue
        if address not in fresh.basis:
            what = "would not", f"be touched any more: {why}"
        elif address not in plan.basis:
            what = "would", f"be touched as well: {why}"
        elif not now:
            what = "was", "deleted since"
        elif not then:
            what = "has", "come since"
        else:
            what = "was", f"changed since (version {then}, now {now})"
        moved.setdefault(what, []).append(address)
    return tuple(
        f"{names(found, verbose=False)} {verb if len(found) == 1 else _SEVERAL.get(verb, verb)} {what}"
        for (verb, what), found in moved.items()
    )


def _blocked(
    before: Site,
    after: Site,
    effects: Sequence[Effect],
    changes: Sequence[ResourceChange],
    moment: Moment,
    limits: Limits,
) -> tuple[Block, ...]:
    found = blocks(
        effects,
        resources_after=after.resources,
        chargers_before=before.chargers,
        chargers_after=after.chargers,
        live=_connected(moment),
        limits=limits,
    )
    if limits.override_window:
        return found
    chargers = {**after.chargers, **before.chargers}
    moved = [chargers[name] for name in disrupted(effects)]
    # The windows that are applied count, so that no change can lift its own ban; and those that come with it, for
    # they hold its chargers back once they are applied.
    sites = (before, after) if any(change.address.startswith(_WINDOW) for change in changes) else (before,)
    closed = (block for site in sites for block in ChangeWindows(site.resources.values()).blocks(moved, moment.now))
    return (*found, *dict.fromkeys(closed))


def _connected(moment: Moment) -> int:
    return sum(session.connected for session in moment.live.values())


def _basis(
    changes: Iterable[ResourceChange], touched: Iterable[str], sites: Iterable[Site], versions: Mapping[str, int]
) -> dict[str, int]:
    """Return the versions of all that the changes and the touched chargers rest on, before and after."""
    names = tuple(touched)
    basis = {change.address for change in changes}
    for site in sites:
        basis |= {address for name in names if name in site.chargers for address in _foundations(name, site)}
    return {address: versions.get(address, 0) for address in by_kind(basis)}


def _foundations(name: str, site: Site) -> Iterator[str]:
    """Yield the addresses of the resources from which a charger's desired state is made."""
    found = [site.declared_by[name], site.bound_by[name]]
    for leg in site.chargers[name].legs:
        found += [f"backend.{leg.backend.name}", f"role.{leg.role.name}"]
    for address in found:
        resource = site.resources.get(address)  # None for what is built in
        if resource is None:
            continue
        yield address
        profile = getattr(resource.spec, "security_profile", None)
        if profile is not None:
            yield f"security-profile.{profile}"


def _overridden(before: Site, after: Site, moment: Moment) -> Iterator[Diagnostic]:
    """Yield a warning for every charger whose declared change is hidden by an override for the time being."""
    for override in moment.interventions.overrides:
        name = override.charger
        if not override.holds_at(moment.now) or before.chargers.get(name) == after.chargers.get(name):
            continue
        until = f"until {override.until:%Y-%m-%d %H:%M} UTC" if override.until else "until it is ended"
        roles = ", ".join(f"{backend} {role}" for backend, role in sorted(override.roles.items()))
        yield Diagnostic(
            Severity.WARNING,
            f"{name} is toggled ({roles}) by {override.actor} {until}; that stays in force over what is declared",
            address=after.declared_by.get(name) or before.declared_by.get(name),
            hint=f"fwdctl toggle {name} --end",
        )


def _under_layers(before: Site, after: Site, layers: Mapping[str, Layer]) -> Iterator[Diagnostic]:
    """Yield a warning for each outage or failover that hides a declared change for the time being."""
    hidden: dict[tuple[str, datetime | None], list[str]] = {}
    for name, layer in layers.items():
        if layer.kind is not LayerKind.OVERRIDE and before.chargers.get(name) != after.chargers.get(name):
            hidden.setdefault((layer_text(layer), layer.until), []).append(name)
    for (because, until), found in hidden.items():
        ends = f" until {until:%Y-%m-%d %H:%M} UTC" if until is not None else ""
        yield Diagnostic(
            Severity.WARNING,
            f"{several(found)}: {because}{ends}; that stays in force over what is declared",
            address=after.declared_by.get(found[0]),
            hint=f"fwdctl explain {found[0]}",
        )
