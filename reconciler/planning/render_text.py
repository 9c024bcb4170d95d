"""A plan for people at a terminal, in Terraform's manner; lines with a style each, colour is the command line's."""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from reconciler.model.plan import Action, Effect, Plan
from reconciler.planning import render

Style = Literal["plain", "heading", "add", "change", "destroy", "quiet", "warning"]

_STYLES: Final[dict[str, Style]] = {"+": "add", "~": "change", "-": "destroy"}
_LEGEND: Final = {Action.CREATE: "create", Action.UPDATE: "update", Action.DELETE: "delete"}


class Line(msgspec.Struct, frozen=True):
    """One line without its newline; `style` says what it is, for whoever adds colour."""

    text: str = ""
    style: Style = "plain"


def render_text(plan: Plan, *, verbose: bool = False) -> tuple[Line, ...]:
    """Return the plan line by line; `verbose` names every charger, and every field of what is new or goes."""
    blocks = [
        [*_legend(plan)],
        [*_changes(plan, verbose)],
        [*_effects(plan, verbose)],
        [*_coverage(plan, verbose)],
        [*_pending(plan, verbose)],
        [*_warnings(plan, verbose)],
        [*_blocked(plan)],
        [*_closing(plan)],
    ]
    lines: list[Line] = []
    for block in blocks:
        lines += [Line(), *block] if block and lines else block
    return tuple(lines)


def _legend(plan: Plan) -> Iterator[Line]:
    used = {change.action for change in plan.resource_changes}
    if used:
        yield Line("fwdctl will do the following:", "heading")
    for action, word in _LEGEND.items():
        if action in used:
            symbol = render.SYMBOLS[action]
            yield Line(f"  {symbol} {word}", _STYLES[symbol])


def _changes(plan: Plan, verbose: bool) -> Iterator[Line]:
    if not plan.resource_changes:
        return
    groups = render.alike(plan.resource_changes, verbose=verbose)
    width = max((len(group.title) for group in groups if len(group.changes) == 1), default=0)
    for group in groups:
        change = group.first
        symbol = render.SYMBOLS[change.action]
        place = render.place(change)
        text = f"  {symbol} {group.title:<{width}}  {place}" if place else f"  {symbol} {group.title}"
        yield Line(text, _STYLES[symbol])
        if verbose or change.action is Action.UPDATE:
            for field in group.fields:
                yield Line(f"      {field.symbol} {field.path}: {field.text}", _STYLES[field.symbol])


def _effects(plan: Plan, verbose: bool) -> Iterator[Line]:
    if plan.effects:
        yield Line("Effects on chargers:", "heading")
    for effect in plan.effects:
        yield Line(f"  {render.effect_title(effect)}: {render.effect_count(effect)}")
        yield from _effect(effect, verbose)


def _effect(effect: Effect, verbose: bool) -> Iterator[Line]:
    for move in effect.moves:
        yield Line(f"      {render.move_text(move)}")
    for note in effect.notes:
        yield Line(f"      {note}")
    if effect.chargers:
        yield Line(f"      {render.names(effect.chargers, verbose=verbose)}", "quiet")
    if effect.deferred:
        yield Line(f"      offline: {render.names(effect.deferred, verbose=verbose)}", "quiet")


def _coverage(plan: Plan, verbose: bool) -> Iterator[Line]:
    if plan.coverage:
        yield Line("Where local acts:", "heading")
    for coverage in plan.coverage:
        first, *others = render.coverage_lines(coverage, verbose=verbose)
        yield Line(f"  {first}")
        for other in others:
            yield Line(f"      {other}")


def _pending(plan: Plan, verbose: bool) -> Iterator[Line]:
    if plan.pending or plan.absent.count:
        yield Line("Already applied, and not yet reached:", "heading")
    for reason, chargers in render.lagging(plan):
        yield Line(f"  {render.names(chargers, verbose=verbose)}: {reason}")
    if away := render.absent_text(plan.absent, verbose=verbose):
        yield Line(f"  {away}", "quiet")


def _warnings(plan: Plan, verbose: bool) -> Iterator[Line]:
    shown = plan.warnings if verbose else plan.warnings[: render.WARNINGS_MAX]
    for warning in shown:
        where = f"{warning.position.in_line}: " if warning.position else ""
        yield Line(f"warning: {where}{warning.summary}", "warning")
        if warning.hint:
            yield Line(f"  hint: {warning.hint}", "quiet")
    if len(shown) < len(plan.warnings):
        yield Line(f"and {len(plan.warnings) - len(shown)} more warnings; --verbose has all", "warning")


def _blocked(plan: Plan) -> Iterator[Line]:
    for block in plan.blocked:
        eligible = f"; eligible at {block.eligible_at:%Y-%m-%d %H:%M} UTC" if block.eligible_at else ""
        yield Line(f"blocked ({block.guard}): {block.summary}{eligible}", "warning")
        yield Line(f"  hint: {block.override} allows it", "quiet")


def _closing(plan: Plan) -> Iterator[Line]:
    yield Line(render.headline(plan), "heading")
    if line := render.effects_line(plan):
        yield Line(line, "heading")
