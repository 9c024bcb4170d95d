"""What every verb prints with: answers to stdout, progress to stderr, colour only on a terminal that wants it."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


def plain() -> bool:
    """Return True where NO_COLOR is set (https://no-color.org): then nothing is coloured, nor bold, as with Terraform.

    Rich alone would leave bold and dim, which whoever asks for plain text does not expect either.
    """
    return bool(os.environ.get("NO_COLOR"))


def terminal(*, stderr: bool = False, **options: Any) -> "Console":
    """Return a console for stdout or stderr; `options` are rich's."""
    from rich.console import Console  # here, as pipelines see no colour, and should not wait for what makes it

    return Console(stderr=stderr, color_system=None if plain() else "auto", **options)


def answers() -> "Console":
    """Return the console of what was asked for: stdout."""
    return terminal(highlight=False, soft_wrap=True)


def print_styled(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines, each with its style in rich's words, where stdout shows styles."""
    if plain() or not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE")):
        typer.echo("\n".join(text for text, _ in lines))
        return
    from rich.text import Text

    console = answers()
    for text, style in lines:
        console.print(Text(text, style=style))


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
    print_styled([(header, "bold")])
    typer.echo("\n".join(lines))
