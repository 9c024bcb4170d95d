"""The screen: steps, commands with what they printed, tables; plain where it is no terminal."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciler.cli.demo.checks import Check
from reconciler.cli.demo.processes import Said

WIDTH_MIN: Final = 100
INDENT: Final = "    "


class Screen:
    """Tells the story on stdout."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._steps = 0

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
        self._console.print(Text(f"\n{self._steps}. {title}", style="bold"))

    def say(self, text: str) -> None:
        """Say one sentence."""
        self._console.print(Text(f"{INDENT}{text}"))

    def command(self, arguments: Sequence[str], said: Said) -> None:
        """Show a command, and what it printed."""
        self._console.print(Text(f"\n{INDENT}$ fwdctl {' '.join(map(quoted, arguments))}", style="bold cyan"))
        for line in (said.out + said.err).splitlines():
            self._console.print(Text(INDENT) + Text.from_ansi(line))
        self._console.print()

    def edit(self, file: str, lines: Sequence[tuple[int, str, str]]) -> None:
        """Show lines that were edited: number, before, after."""
        for number, before, after in lines:
            self.say(f"{file}:{number}")
            self._console.print(Text(f"{INDENT}- {before.strip()}", style="red"))
            self._console.print(Text(f"{INDENT}+ {after.strip()}", style="green"))

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
        console = Console(highlight=False, width=self.columns)
        with console.capture() as captured:
            console.print(table, soft_wrap=False)
        for line in captured.get().splitlines():
            self._console.print(Text(INDENT) + Text.from_ansi(line.rstrip()))


def quoted(argument: str) -> str:
    """Return an argument as a shell needs it."""
    return f'"{argument}"' if " " in argument else argument


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{by} {count}" for by, count in counts.items()) or "-"
