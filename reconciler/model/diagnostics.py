"""Diagnostics: what is wrong with the input, where, and what to do; collected, never raised one at a time."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """Whether a finding stops the work."""

    ERROR = "error"
    WARNING = "warning"


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in an input file; line and column count from 1. In line 0 `file` is none, and says what else it is."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.in_line}:{self.column}" if self.line else self.file

    @property
    def in_line(self) -> str:
        """Return `file:line`, or the name of what is no file."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Diagnostic(msgspec.Struct, frozen=True):
    """One finding: `address` is the resource's (None before it has one), `hint` what to do about it."""

    severity: Severity
    summary: str
    address: str | None = None
    position: Position | None = None
    hint: str = ""


class InvalidValue(ValueError):
    """Raised where one value is wrong; whoever knows where it is written makes it a Diagnostic."""

    def __init__(self, summary: str, *, hint: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Return True where any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in diagnostics)


def by_position(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings in reading order: by file, line and column; those without a position last."""
    last = Position("\uffff", 0, 0)
    return sorted(diagnostics, key=lambda finding: (finding.position or last, finding.summary))
