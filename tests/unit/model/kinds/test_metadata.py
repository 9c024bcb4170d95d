"""Metadata: a name and labels, and nothing else."""

from reconciler.model.kinds.metadata import Metadata
from tests.support.sites import said, spec_findings


def test_labels_are_optional_and_left_out_when_empty() -> None:
    assert Metadata.model_validate({"name": "a", "labels": {}}).model_dump(exclude_defaults=True) == {"name": "a"}


def test_a_label_that_yaml_reads_as_a_number_must_be_quoted() -> None:
    assert said(spec_findings("Role", {}, labels={"floor": 7})) == [
        ("metadata.labels.floor: must be text, not the number 7", 'write it in quotes: "7"')
    ]


def test_other_fields_are_unknown() -> None:
    assert said(spec_findings("Role", {}, label={"a": "b"})) == [
        ("metadata: unknown field label", "did you mean labels?")
    ]
