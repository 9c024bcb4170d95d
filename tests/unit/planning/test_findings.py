"""Findings: words that fit a YAML file, never pydantic's."""

import pytest
from pydantic import ValidationError

from reconciler.model.kinds import SPEC_MODELS
from reconciler.planning.findings import did_you_mean, findings, several


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a and 3 more"),
    ],
)
def test_many_names_are_told_in_short(names: list[str], words: str) -> None:
    assert several(names) == words


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("identiy", "did you mean identity?"),
        ("IDENTITY", "did you mean identity?"),
        ("zzz", "use one of: identity, versions"),
    ],
)
def test_the_nearest_name_is_offered_else_all_of_them(wrong: str, hint: str) -> None:
    assert did_you_mean(wrong, ["versions", "identity"]) == hint


def test_something_else_can_be_said_where_nothing_is_near() -> None:
    assert did_you_mean("zzz", ["versions"], otherwise="declare it") == "declare it"
    assert did_you_mean("zzz", []) == ""


@pytest.mark.parametrize("spec", [None, 5, "x", [], {"a": 1}, {"versions": 5, "backends": {}, "chargers": []}])
@pytest.mark.parametrize("kind", SPEC_MODELS)
def test_no_message_speaks_pydantic(kind: str, spec: object) -> None:
    try:
        SPEC_MODELS[kind].model_validate(spec)
    except ValidationError as failure:
        for finding in findings(failure, SPEC_MODELS[kind], "spec"):
            assert finding.path.startswith("spec")
            assert finding.summary.startswith(f"{finding.path}: ") or "unknown field" in finding.summary
            assert not any(word in finding.summary.lower() for word in ("input", "tuple", "dict", "none", "valid"))
