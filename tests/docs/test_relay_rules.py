"""specs/relay-rules.md: every rule is there, and what it says keeps a rule exists."""

import re
from typing import Final

import pytest

from tests.golden import ROOT

SECTIONS: Final = dict(
    re.findall(r"^## (R\d+) [^\n]+\n(.*?)(?=^## |\Z)", (ROOT / "specs" / "relay-rules.md").read_text(), re.M | re.S)
)
CHAPTER_6: Final = (ROOT / "specs" / "relay-rules.md").read_text().partition("## OCPP-J part 4, chapter 6")[2]
RULES: Final = [f"R{number}" for number in range(1, 17)]


def test_all_sixteen_rules_are_there_in_order() -> None:
    assert list(SECTIONS) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_what_keeps_a_rule_exists(rule: str) -> None:
    kept_in, tests = (re.search(rf"^{line}: (.+)$", SECTIONS[rule], re.M) for line in ("Kept in", "Tests"))
    assert kept_in is not None
    assert tests is not None
    for path in re.findall(r"`([^`]+)`", kept_in[1] + tests[1]):
        assert (ROOT / path).is_file(), path
    modules = re.findall(r"`([^`]+)`", kept_in[1])
    assert any(re.search(rf"\b{rule}\b", _spelled_out((ROOT / path).read_text())) for path in modules)


def test_everything_that_the_specification_asks_of_a_local_controller_has_tests() -> None:
    rows = re.findall(r"^\| (\d\.\d) .* \| .* \| (.+) \|$", CHAPTER_6, re.M)
    assert {section for section, _ in rows} == {"3.4", "6.1", "6.2", "6.3", "6.4", "6.5", "7.4"}
    for _, tests in rows:
        named = re.findall(r"`([^`]+)`", tests)
        assert named
        assert all((ROOT / path).is_file() for path in named), named


def test_the_architecture_names_every_rule_too() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert re.findall(r"^\| \*\*(R\d+)\*\*", text, re.M) == RULES


def _spelled_out(text: str) -> str:
    """Return text in which "R1-R3" reads "R1 R2 R3"."""
    return re.sub(r"\bR(\d+)-R(\d+)", lambda m: " ".join(f"R{n}" for n in range(int(m[1]), int(m[2]) + 1)), text)
