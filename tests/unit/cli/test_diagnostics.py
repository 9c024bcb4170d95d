"""Diagnostics for people: one block each, with the line, a caret, and what to do."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from reconciler.cli.diagnostics import count_line, render_diagnostics
from reconciler.model.diagnostics import Diagnostic, Position, Severity


def rendered(*findings: Diagnostic) -> str:
    console = Console(file=StringIO(), width=40, highlight=False)
    render_diagnostics(findings, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_finding_shows_its_place_its_line_and_a_hint(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("kind: Charger\nspec:\n  identiy: CP\n")
    found = Diagnostic(
        Severity.ERROR, "unknown field", "charger.a", Position(str(file), 3, 3), "did you mean identity?"
    )
    assert rendered(found) == (
        "error: unknown field\n"
        f"  --> {file}:3:3  charger.a\n"
        "  3 |   identiy: CP\n"
        "    |   ^\n"
        "  hint: did you mean identity?\n\n"
    )


def test_the_caret_keeps_in_line_with_tabs_and_long_numbers(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("\n" * 99 + "a:\tb\n")
    assert "  100 | a:  b\n      |     ^\n" in rendered(
        Diagnostic(Severity.ERROR, "x", None, Position(str(file), 100, 4))
    )


def test_a_line_that_may_hold_a_secret_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    lines = ["password: hunter2", "privateKey: hunter2", "url: wss://user:hunter2@host", "secret: hunter2"]
    file.write_text("\n".join(lines))
    findings = [Diagnostic(Severity.ERROR, "x", None, Position(str(file), line, 1)) for line in range(1, 5)]
    assert "hunter2" not in rendered(*findings)


def test_standard_input_and_the_store_have_no_line() -> None:
    assert (
        rendered(Diagnostic(Severity.WARNING, "x", "role.a", Position("-", 1, 1)))
        == "warning: x\n  --> -:1:1  role.a\n\n"
    )
    assert rendered(Diagnostic(Severity.ERROR, "x", "role.a")) == "error: x\n  --> role.a\n\n"
    assert rendered(Diagnostic(Severity.ERROR, "x [bold]y")) == "error: x [bold]y\n\n"


def test_findings_come_in_reading_order() -> None:
    late = Diagnostic(Severity.ERROR, "late", None, Position("a", 2, 1))
    early = Diagnostic(Severity.WARNING, "early", None, Position("a", 1, 1))
    text = rendered(late, early)
    assert text.index("early") < text.index("late")


def test_findings_are_counted() -> None:
    error, warning = Diagnostic(Severity.ERROR, "e"), Diagnostic(Severity.WARNING, "w")
    assert count_line([error, warning, error]) == "2 errors, 1 warning"
    assert count_line([warning]) == "1 warning"
    assert count_line([]) == ""
