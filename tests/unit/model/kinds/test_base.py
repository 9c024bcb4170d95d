"""What all kinds share: nothing is converted, nothing unknown passes, models are values."""

import pytest

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import FrozenDict, describe, whole_number
from tests.support.sites import EVERY_KIND, resources, said, spec_findings

CHARGER = {"versions": ["ocpp1.6"], "securityProfile": "open"}


def test_specs_are_values_equal_and_hashable() -> None:
    first, second = resources(EVERY_KIND), resources(EVERY_KIND)
    assert first == second
    assert [hash(resource.spec) for resource in first] == [hash(resource.spec) for resource in second]


def test_a_frozen_dict_hashes_by_content_not_by_order() -> None:
    assert hash(FrozenDict(a="1", b="2")) == hash(FrozenDict(b="2", a="1"))


@pytest.mark.parametrize("value", [True, 2.0, "2", None, [2]])
def test_only_a_whole_number_is_one(value: object) -> None:
    with pytest.raises(InvalidValue, match="must be a whole number, not"):
        whole_number(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "the boolean true"),
        (1.5, "the number 1.5"),
        ("x", 'the text "x"'),
        ("x" * 41, "text"),
        ([], "a list"),
        ({}, "a mapping"),
    ],
)
def test_values_are_described_in_words_of_yaml(value: object, words: str) -> None:
    assert describe(value) == words


def test_a_field_in_the_other_spelling_is_unknown() -> None:
    assert said(spec_findings("Charger", {**CHARGER, "serial_number": "S"})) == [
        ("spec: unknown field serial_number", "did you mean serialNumber?")
    ]


@pytest.mark.parametrize("name", ["CP001", "-a", "a-", "a" * 64, "a b", "", "ä", "a_b"])
def test_names_are_lower_case_and_bounded(name: str) -> None:
    [(summary, hint)] = said(spec_findings("Charger", CHARGER, name=name))
    assert summary == f"metadata.name: {name!r} is not a name"
    assert "at most 63" in hint


@pytest.mark.parametrize("name", ["a", "0", "a.b-c", "a" * 63])
def test_short_plain_names_are_names(name: str) -> None:
    assert spec_findings("Charger", CHARGER, name=name) == []


@pytest.mark.parametrize("labels", [{"a=b": "c"}, {"a": "b,c"}, {"a": "b\nc"}])
def test_a_label_that_select_could_not_write_is_refused(labels: dict[str, str]) -> None:
    [(summary, hint)] = said(spec_findings("Charger", CHARGER, labels=labels))
    assert "cannot be in a label" in summary
    assert "key=value" in hint


def test_a_list_with_a_repeat_is_refused() -> None:
    assert said(spec_findings("Charger", {**CHARGER, "versions": ["ocpp1.6", "ocpp1.6"]})) == [
        ("spec.versions: ocpp1.6 is listed twice", "remove one of the two")
    ]


def test_either_or_takes_exactly_one() -> None:
    selecting = {"limitKw": 1, "chargers": {"labels": {"a": "b"}, "names": ["a"]}}
    assert said(spec_findings("LoadPolicy", selecting)) == [
        ("spec.chargers: has both labels and names", "give exactly one of the two")
    ]
    assert said(spec_findings("LoadPolicy", {"limitKw": 1, "chargers": {}})) == [
        ("spec.chargers: needs labels or names", "give exactly one of the two")
    ]
