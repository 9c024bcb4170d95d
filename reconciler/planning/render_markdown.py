"""A plan as Markdown, for the comment that a pipeline writes on a pull request; short, the long part folded."""

from collections.abc import Iterator
from typing import Final

from reconciler.model.plan import Action, Plan
from reconciler.planning import render

MARKER: Final = "<!-- fwdctl plan -->"
"""First line, so that a pipeline finds its own comment and updates it."""

CHANGES_MAX: Final = 200
"""Beyond this many resources only the first are shown: hosts refuse long comments."""


def render_markdown(plan: Plan) -> str:
    """Return the plan as Markdown text that ends in a newline."""
    lines = [MARKER, f"### {render.headline(plan)}"]
    if line := render.effects_line(plan):
        lines += ["", line]
    for section in (_blocked(plan), _warnings(plan), _effects(plan), _coverage(plan), _pending(plan), _changes(plan)):
        lines += section
    return "\n".join(lines) + "\n"


def _blocked(plan: Plan) -> Iterator[str]:
    for block in plan.blocked:
        yield ""
        eligible = f" Eligible at {block.eligible_at:%Y-%m-%d %H:%M} UTC." if block.eligible_at else ""
        yield f"> **Blocked** ({block.guard}): {_escape(block.summary)}.{eligible} `{block.override}` allows it."


def _warnings(plan: Plan) -> Iterator[str]:
    for warning in plan.warnings[: render.WARNINGS_MAX]:
        yield ""
        where = f"{warning.position.in_line}: " if warning.position else ""
        yield f"> **Warning**: {_escape(where + warning.summary)}"
    if (more := len(plan.warnings) - render.WARNINGS_MAX) > 0:
        yield from ("", f"> **And {more} more warnings**: `fwdctl plan --verbose` has all.")


def _effects(plan: Plan) -> Iterator[str]:
    if not plan.effects:
        return
    yield from ("", "| effect | chargers | what | which |", "|---|---|---|---|")
    for effect in plan.effects:
        what = "<br>".join(_escape(text) for text in [*map(render.move_text, effect.moves), *effect.notes])
        which = _escape(render.names(effect.names, verbose=False))
        yield f"| {_escape(render.effect_title(effect))} | {render.effect_count(effect)} | {what} | {which} |"


def _coverage(plan: Plan) -> Iterator[str]:
    if plan.coverage:
        yield from ("", "Where local acts:", "")
    for coverage in plan.coverage:
        yield f"- {'; '.join(map(_escape, render.coverage_lines(coverage, verbose=False)))}"


def _pending(plan: Plan) -> Iterator[str]:
    if plan.pending or plan.absent.count:
        yield from ("", "Already applied, and not yet reached:", "")
    for reason, chargers in render.lagging(plan)[:CHANGES_MAX]:
        yield f"- {_escape(render.names(chargers, verbose=False))}: {_escape(reason)}"
    if away := render.absent_text(plan.absent, verbose=False):
        yield f"- {away}"


def _changes(plan: Plan) -> Iterator[str]:
    if not plan.resource_changes:
        return
    fence = "```"
    yield from ("", "<details><summary>Resources</summary>", "", f"{fence}diff")
    groups = render.alike(plan.resource_changes, verbose=False)
    for group in groups[:CHANGES_MAX]:
        yield from _change(group)
    if len(groups) > CHANGES_MAX:
        yield f"# and {sum(len(group.changes) for group in groups[CHANGES_MAX:])} more"
    yield from (fence, "", "</details>")


def _change(group: render.Alike) -> Iterator[str]:
    change = group.first
    place = render.place(change)
    yield f"{_diff_symbol(render.SYMBOLS[change.action])} {group.title}{f'  ({place})' if place else ''}"
    if change.action is Action.UPDATE:
        for field in group.fields:
            text = f"{field.path}: {field.text}".replace("`", "'")
            yield f"{_diff_symbol(field.symbol)}     {text}"


def _diff_symbol(symbol: str) -> str:
    """Return the symbol that colours a line in a fenced diff; "!" is its "changed"."""
    return "!" if symbol == "~" else symbol


def _escape(text: str) -> str:
    """Return text that is safe in a table cell: no markup of its own, no new column, no new line."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.replace("`", "'").split())
