"""docs/spec-language.md: its tables are those of the schemas, its examples are a valid site."""

import re
from typing import Final

from reconciler.model.diagnostics import Severity
from reconciler.model.features import FEATURES
from reconciler.model.kinds import SPEC_MODELS
from tests.golden import ROOT
from tests.golden.field_tables import filled
from tests.support.sites import checked, documents

TEXT: Final = (ROOT / "docs" / "spec-language.md").read_text(encoding="utf-8")
EXAMPLES: Final = "---\n".join(re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))


def test_the_tables_are_those_of_the_schemas() -> None:
    assert filled(TEXT) == TEXT, "run: make golden"


def test_every_kind_has_a_section_a_table_and_an_example() -> None:
    kinds = set(SPEC_MODELS)
    assert kinds <= set(re.findall(r"^## (\w+)$", TEXT, re.MULTILINE))
    assert kinds == set(re.findall(r"<!-- fields of (\w+) -->", TEXT))
    assert kinds == {str(document.content["kind"]) for document in documents(EXAMPLES)[0]}


def test_the_examples_are_a_valid_site() -> None:
    _, findings = checked(EXAMPLES)
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []


def test_every_feature_is_named() -> None:
    named = TEXT.split("Features: ")[1].split("Every action")[0]
    assert re.findall(r"`([a-z-]+)`", named) == list(FEATURES)
