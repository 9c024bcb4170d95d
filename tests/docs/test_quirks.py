"""docs/quirks.md: every row names a module and a test, and all that it names exists."""

import re
from typing import Final

import pytest

from tests.golden import ROOT

ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| what ")
]


def test_the_rows_are_found_and_have_their_four_cells() -> None:
    assert len(ROWS) >= 26
    assert {len(row) for row in ROWS} == {4}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub(r"[*`]", "", row[0])[:60])
def test_where_a_quirk_is_handled_and_what_shows_it_exist(row: list[str]) -> None:
    _, _, where, tests = row
    modules = re.findall(r"`([\w/]+\.py)`", where)
    assert modules
    assert all((ROOT / "reconciler" / module).is_file() for module in modules)
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", tests)
    assert named
    for path, test in named:
        text = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"def {test}\(", text) if test else "def test_" in text, f"{path}::{test}"
