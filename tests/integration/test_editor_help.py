"""Completion as the shells ask for it, and schemas by every name that a kind has."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.pipelines import shell


async def completions(kind: str, line: str, folder: Path) -> str:
    """Return what fwdctl answers a shell that completes the last word of `line`."""
    words = line.split(" ")
    asked: Mapping[str, str] = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[kind]
    return (await shell("fwdctl", folder, {"_FWDCTL_COMPLETE": f"complete_{kind}", **asked})).out


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
async def test_verbs_and_kinds_are_completed(kind: str, tmp_path: Path) -> None:
    assert "rollback" in await completions(kind, "fwdctl roll", tmp_path)
    kinds = await completions(kind, "fwdctl schema ch", tmp_path)
    assert ("charger" in kinds, "change-window" in kinds, "backend" in kinds) == (True, True, False)


async def test_bash_takes_the_script_and_completes_with_it(tmp_path: Path) -> None:
    script = 'eval "$(_FWDCTL_COMPLETE=source_bash fwdctl)"; complete -p fwdctl'
    done = await shell(script, tmp_path)
    assert (done.code, "_fwdctl_completion" in done.out) == (0, True), done.err


async def test_a_schema_has_the_name_of_its_kind_in_yaml_and_in_addresses(tmp_path: Path) -> None:
    as_in_yaml = await shell("fwdctl schema BackendBinding", tmp_path)
    as_in_addresses = await shell("fwdctl schema backend-binding", tmp_path)
    assert json.loads(as_in_yaml.out) == json.loads(as_in_addresses.out)
    refused = await shell("fwdctl schema chargr || exit $?", tmp_path)
    assert (refused.code, "one of backend, backend-binding" in refused.err) == (1, True)
