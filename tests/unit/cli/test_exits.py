"""Errors become words on stderr and an exit code, in one place."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer

from reconciler.cli.exits import run
from reconciler.errors import FwdctlError, GuardTripped, InvalidSpecs
from reconciler.model.diagnostics import Diagnostic, Severity

Command = Callable[..., object]


def raising(error: BaseException) -> Command:
    """Return a command that fails with `error`."""

    def command(**_options: Any) -> None:
        raise error

    return command


def test_a_command_s_number_is_the_exit_code() -> None:
    assert run(lambda **_options: 2, []) == 2


def test_a_command_without_a_number_exits_0() -> None:
    assert run(lambda **_options: None, []) == 0


def test_an_error_is_told_in_two_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(raising(GuardTripped("too many", hint="--max-disruption 5 allows it")), [])
    told = capsys.readouterr()
    assert (code, told.out) == (3, "")
    assert told.err == "error: too many\nhint: --max-disruption 5 allows it\n"


def test_with_json_the_error_is_an_object_with_the_same_code(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(raising(GuardTripped("too many")), ["apply", "--json"])
    told = capsys.readouterr()
    error = json.loads(told.err)["error"]
    assert (code, told.out, error["kind"], error["exit_code"]) == (3, "", "guard-tripped", 3)


def test_findings_come_before_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    findings = [Diagnostic(Severity.ERROR, f"finding {number}") for number in range(3)]
    assert run(raising(InvalidSpecs("3 errors", findings)), []) == 1
    told = capsys.readouterr().err
    assert told.index("finding 0") < told.index("finding 2") < told.index("error: 3 errors")


def test_a_question_that_nobody_answers_says_which_flag_answers_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(typer.Abort()), []) == 1
    assert "--auto-approve" in capsys.readouterr().err


def test_the_unexpected_is_a_sentence_and_not_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FWDCTL_DEBUG", raising=False)
    assert run(raising(KeyError("x")), []) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: unexpected KeyError: 'x'\nhint: ")
    assert "Traceback" not in told


def test_the_traceback_is_there_where_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FWDCTL_DEBUG", "1")
    assert run(raising(FwdctlError("expected")), []) == 1
    assert run(raising(KeyError("x")), []) == 1
    assert capsys.readouterr().err.count("Traceback") == 1
