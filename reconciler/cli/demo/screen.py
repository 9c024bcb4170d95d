"""The screen: steps, commands with what they printed, tables; plain where it is no terminal."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from reconciler.cli.demo.checks import Check
from reconciler.cli.demo.processes import Said
from reconciler.cli.output import terminal

WIDTH_MIN: Final = 110
INDENT: Final = "    "


class Screen:
    """Tells the story on stdout."""

    def __init__(self) -> None:
        self._console = terminal(highlight=False, soft_wrap=True)
        self._steps = 0
        self._gap = False

    @property
    def colour(self) -> bool:
        """Return whether it shows colours."""
        return self._console.is_terminal and not self._console.no_color

    @property
    def columns(self) -> int:
        """Return how wide the output of commands may be."""
        return max(self._console.width - len(INDENT), WIDTH_MIN)

    def step(self, title: str) -> None:
        """Begin a step."""
        self._steps += 1
        self._space()
        self._console.print(Text(f"{self._steps}. {title}", style="bold"))
        self._gap = False

    def say(self, text: str) -> None:
        """Say one sentence, or several lines of them."""
        self._lines([Text(line) for line in text.splitlines()])

    def command(self, arguments: Sequence[str], said: Said, beginning: str = "") -> None:
        """Show a command and what it printed; where that was shown before, only from the line `beginning` so."""
        shown = [Text.from_ansi(line.rstrip()) for line in said.text.splitlines()]
        first = next((index for index, line in enumerate(shown) if line.plain.startswith(beginning)), 0)
        self._space()
        self._lines([Text(f"$ fwdctl {' '.join(map(quoted, arguments))}", style="bold cyan")])
        self._lines([Text("(the same plan)", style="dim"), *shown[first:]] if first else shown)
        self._space()

    def edit(self, file: str, lines: Sequence[tuple[int, str, str]]) -> None:
        """Show lines that were edited: number, before, after."""
        for number, before, after in lines:
            removed, added = Text(f"- {before.strip()}", style="red"), Text(f"+ {after.strip()}", style="green")
            self._lines([Text(f"{file}:{number}"), removed, added])

    def answers(self, columns: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
        """Show who answered what: column title -> action -> answerer -> count."""
        table = Table("call", *columns, box=None, pad_edge=False, header_style="bold")
        actions = list(dict.fromkeys(action for column in columns.values() for action in column))
        for action in actions:
            table.add_row(action, *(_counts(column.get(action, {})) for column in columns.values()))
        self._table(table)

    def checks(self, made: Sequence[Check]) -> None:
        """Show every check, with what was expected where it does not hold."""
        table = Table("", "what", "observed", box=None, pad_edge=False, header_style="bold")
        for check in made:
            mark = Text("ok", style="green") if check.holds else Text("FAIL", style="bold red")
            observed = str(check.observed) if check.holds else f"{check.observed}; expected: {check.expected}"
            table.add_row(mark, Text(check.what), Text(observed))
        self._table(table)

    def failure(self, text: str) -> None:
        """Say what went wrong."""
        self._console.print(Text(text, style="bold red"))

    def _table(self, table: Table) -> None:
        console = terminal(highlight=False, width=self.columns)
        with console.capture() as captured:
            console.print(table)
        self._lines([Text.from_ansi(line.rstrip()) for line in captured.get().splitlines()])

    def _lines(self, lines: Sequence[Text]) -> None:
        for line in lines:
            self._console.print(Text(INDENT) + line if line.plain else line)
            self._gap = not line.plain

    def _space(self) -> None:
        """Leave one empty line, and never two."""
        if not self._gap:
            self._console.print()
        self._gap = True


def quoted(argument: str) -> str:
    """Return an argument as a shell needs it."""
    return f'"{argument}"' if " " in argument else argument


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{by} {count}" for by, count in counts.items()) or "-"
