"""`fwdctl validate`: without a server, everything at once, for people and for machines."""

import json
from io import StringIO
from pathlib import Path

import pytest

from reconciler.cli.validate import validate
from tests.support.sites import EVERY_KIND, SMALL


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site.yaml"


def test_a_valid_site_says_what_it_holds(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(EVERY_KIND)
    assert validate([str(site)]) == 0
    assert capsys.readouterr().out == "valid: 13 resources, 3 chargers\n"


def test_a_warning_is_told_and_does_not_fail(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(SMALL + "  failover: {to: local}\n")
    assert validate([str(site)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("warning: spec.failover: has no effect")
    assert out.endswith("valid: 5 resources, 1 charger; 1 warning\n")


def test_everything_wrong_in_several_files_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(SMALL.replace("role: primary", "role: primry"))
    (tmp_path / "b.yaml").write_text("kind: Role\nkind: Role\n")
    (tmp_path / "c.yaml").write_text("a: [\n")
    assert validate([str(tmp_path), "/nowhere"]) == 1
    out = capsys.readouterr().out
    for expected in (
        "spec.backends.0.role: there is no role primry",
        "key kind is written twice",
        "not valid YAML",
        "there is no file or directory /nowhere",
    ):
        assert expected in out
    assert out.endswith("errors\n")


def test_json_has_the_shape_of_terraform_validate(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(SMALL.replace("role: primary", "role: primry"))
    assert validate([str(site)], json_output=True) == 1
    assert json.loads(capsys.readouterr().out) == {
        "format_version": "1.0",
        "valid": False,
        "error_count": 1,
        "warning_count": 0,
        "diagnostics": [
            {
                "severity": "error",
                "summary": "spec.backends.0.role: there is no role primry",
                "hint": "did you mean primary?",
                "address": "backend-binding.a",
                "range": {"filename": str(site), "start": {"line": 27, "column": 26}},
            }
        ],
    }


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(SMALL))
    assert validate(["-"], json_output=True) == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True


def test_an_empty_input_is_an_error(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text("# nothing yet\n")
    assert validate([str(site)]) == 1
    assert f"nothing to read in {site}" in capsys.readouterr().out
