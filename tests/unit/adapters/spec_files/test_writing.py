"""Writing YAML: what is written reads back as the same data, here and in readers of YAML 1.1."""

from io import StringIO

import pytest
import yaml

from reconciler.adapters.spec_files import read_documents, write_documents
from tests.support.sites import EVERY_KIND, resources

TRICKY = [
    "on",
    "no",
    "0777",
    "0o17",
    "1e3",
    "1:20",
    "",
    "~",
    "null",
    "a: b",
    "- x",
    "#x",
    "*x",
    "2026-12-01",
    "ü\n",
    "'",
]


@pytest.mark.parametrize("text", TRICKY)
def test_text_stays_text_for_every_reader(text: str) -> None:
    written = write_documents([{"a": text, text: [text]}])
    [document], diagnostics = read_documents(["-"], StringIO(written))
    assert not diagnostics
    assert document.content == {"a": text, text: [text]}
    assert yaml.safe_load(written) == {"a": text, text: [text]}


def test_documents_are_apart_and_fields_keep_their_order() -> None:
    assert write_documents([{"b": 1, "a": [1, 2]}, {"c": True}]) == "---\nb: 1\na:\n- 1\n- 2\n---\nc: true\n"


def test_repeated_values_are_written_out() -> None:
    shared = {"x": [1]}
    assert "&" not in write_documents([{"a": shared, "b": shared}])


def test_a_whole_site_reads_back() -> None:
    found = resources(EVERY_KIND)
    assert resources(write_documents(resource.content for resource in found)) == found
