"""The README and the other documents tell the truth: commands exist, links lead somewhere, output is real."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from reconciler.cli.main import app
from reconciler.cli.operation_options import flag
from reconciler.cli.verbs import VERBS
from reconciler.local.operations.catalogue import OPERATIONS
from tests.golden import ROOT
from tests.golden.tour import commands_in, walked

README = ROOT / "README.md"
DOCUMENTS = sorted(
    file
    for pattern in ("*.md", "docs/**/*.md", "specs/*.md", "examples/*/*.md", "tests/*.md")
    for file in ROOT.glob(pattern)
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.slow
async def test_the_tour_shows_what_really_happens() -> None:
    text = README.read_text(encoding="utf-8")
    assert await walked(text) == text, "run: make golden"


@pytest.mark.parametrize("file", DOCUMENTS, ids=relative)
def test_commands_that_a_document_shows_exist_with_their_options(file: Path) -> None:
    for command in commands_in(file.read_text(encoding="utf-8")):
        _, *arguments = shlex.split(command)
        node: Any = get_command(app)
        while arguments and hasattr(node, "get_command"):  # `outage` has verbs of its own
            verb, *arguments = arguments
            node = node.get_command(None, verb)
            assert node is not None, command
        known = {option for parameter in node.params for option in (*parameter.opts, *parameter.secondary_opts)}
        operation = next((OPERATIONS[word] for word in arguments if word in OPERATIONS), None)
        if node.name == "op" and operation is not None:  # an operation has options of its own
            known |= {flag(name) for name in operation.schema().get("properties", {})}
        used = {argument for argument in arguments if re.match(r"--?[a-z]", argument)}
        assert used <= known | {"--help"}, command


def test_the_table_of_verbs_is_whole() -> None:
    section = README.read_text(encoding="utf-8").split("## Verbs")[1].split("\n\nExit codes")[0]
    named = re.findall(r"`([a-z]+)[^`]*`", " ".join(row.split("|")[1] for row in section.splitlines() if "|" in row))
    assert set(named) == set(VERBS)


@pytest.mark.parametrize("file", DOCUMENTS, ids=relative)
def test_links_between_documents_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text(encoding="utf-8")):
        assert (file.parent / target).exists(), target
