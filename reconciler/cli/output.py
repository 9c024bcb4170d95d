"""What every verb prints with: answers to stdout, progress to stderr, colour only on a terminal that wants it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.text import Text


def answers() -> Console:
    """Return the console of what was asked for: stdout."""
    return Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell a person at the terminal how it goes: one line on stderr."""
    typer.echo(text, err=True)


def print_json(answer: Mapping[str, Any]) -> None:
    """Print a machine's answer to stdout."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns without frames, so that they can be read and cut alike."""
    table = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    header, *lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)
    answers().print(Text(header, style="bold"))
    typer.echo("\n".join(lines))
