"""What verbs print with: where NO_COLOR is set, text and nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from reconciler.cli.diagnostics import render_diagnostics
from reconciler.cli.output import print_styled, print_table
from reconciler.model.diagnostics import Diagnostic, Severity


def _table() -> None:
    print_table(["CHARGER"], [["cp001"]])


def _lines() -> None:
    print_styled([("fwdctl will do the following:", "bold"), ("  + create", "green")])


def _findings() -> None:
    render_diagnostics([Diagnostic(Severity.ERROR, "no such field", hint="take it away")])


@pytest.mark.parametrize("output", [_table, _lines, _findings])
@pytest.mark.parametrize(("no_color", "styled"), [("1", False), ("", True)])
def test_no_color_leaves_neither_colours_nor_bold(
    output: Callable[[], None],
    no_color: str,
    styled: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    output()
    shown = capsys.readouterr()
    assert ("\x1b[" in shown.out + shown.err) is styled


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["token", "list", "--help"]], ids=" ".join)
def test_help_is_plain_too(arguments: list[str]) -> None:
    environ = {**os.environ, "FORCE_COLOR": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from reconciler.cli.main import main; main()", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    assert "\x1b[" not in done.stdout
