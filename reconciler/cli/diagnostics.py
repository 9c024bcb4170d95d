"""Diagnostics for people: what is wrong, where, the line itself with a caret, and what to do."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from reconciler.cli.output import terminal
from reconciler.model.diagnostics import Diagnostic, Position, Severity, by_position

_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
_LINE_MAX: Final = 160
_MAY_HOLD_A_SECRET: Final = re.compile(r"password|secret|privatekey|token|://[^/]*@", re.IGNORECASE)


def render_diagnostics(diagnostics: Sequence[Diagnostic], console: Console | None = None) -> None:
    """Print every finding in reading order, to `console` or else to stderr."""
    console = console or terminal(stderr=True, highlight=False, soft_wrap=True)
    files: dict[str, list[str]] = {}
    for finding in by_position(diagnostics):
        console.print(_rendered(finding, files), soft_wrap=True)


def count_line(diagnostics: Sequence[Diagnostic]) -> str:
    """Return how many errors and warnings there are, as "2 errors, 1 warning"."""
    return ", ".join(
        f"{count} {severity.value}{'' if count == 1 else 's'}"
        for severity in Severity
        if (count := sum(finding.severity is severity for finding in diagnostics))
    )


def _rendered(finding: Diagnostic, files: dict[str, list[str]]) -> Text:
    text = Text()
    text.append(f"{finding.severity.value}: ", style=_STYLES[finding.severity])
    text.append(f"{finding.summary}\n", style="bold")
    place = "  ".join(str(part) for part in (finding.position, finding.address) if part is not None)
    if place:
        text.append("  --> ", style="blue").append(f"{place}\n")
    if finding.position is not None:
        text.append(_source(finding.position, files), style="dim")
    if finding.hint:
        text.append("  hint: ", style="green").append(f"{finding.hint}\n")
    return text


def _source(position: Position, files: dict[str, list[str]]) -> str:
    """Return the line at `position` with a caret below it; "" where it can't be shown, or may hold a secret."""
    if position.file not in files:
        files[position.file] = _lines(position.file)
    lines = files[position.file]
    if not 0 < position.line <= len(lines):
        return ""
    line = lines[position.line - 1]
    if len(line) > _LINE_MAX or not line.strip() or _MAY_HOLD_A_SECRET.search(line):
        return ""
    number = str(position.line)
    margin, under = " " * len(number), " " * len(line[: position.column - 1].expandtabs(4))
    return f"  {number} | {line.expandtabs(4)}\n  {margin} | {under}^\n"


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return []  # standard input, or gone since: the position alone has to do
