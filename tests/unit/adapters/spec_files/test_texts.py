"""Texts of spec files: taken apart at separators they give the same documents, at the same places."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.adapters.spec_files import read_documents, read_texts, texts_of
from tests.support.sites import EVERY_KIND

BLOCK = "kind: Role\nmetadata: {name: a}\nspec:\n  note: |\n    ---\n    # no separator: it is indented\n"


@pytest.mark.parametrize(
    "text",
    [
        EVERY_KIND,
        "# only a comment\n---\n" + EVERY_KIND,
        "\ufeff---\nkind: Role\n--- # a comment\nkind: Backend\n",
        BLOCK + "---\n" + BLOCK,
        "---\n---\nkind: Role\n---\n",
        "kind: Role\nmetadata: &here {name: é}\nspec: {owns: *here}\n---\nkind: Role\n",
        "kind: Role\n---not-a-separator: 1\n",
    ],
    ids=["every-kind", "comment", "mark-and-comment", "block", "empty", "anchors", "looks-like-one"],
)
def test_read_one_by_one_they_are_what_they_are_together(text: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text, encoding="utf-8")
    texts = texts_of([str(tmp_path)])
    assert texts is not None
    documents, findings = read_texts(texts)
    whole, faults = read_documents([str(tmp_path)])
    assert [replace(document, text="") for document in documents] == whole
    assert [str(found.position) for found in findings] == [str(found.position) for found in faults]


def test_a_digest_is_that_of_the_text_wherever_it_stands(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("---\nkind: Role\n")
    two.write_text("kind: Backend\n---\nkind: Role\n---\nkind: Role\n# and more\n")
    texts = texts_of([str(one), str(two)])
    assert texts is not None
    digests = [text.digest for text in texts]
    assert digests[0] == digests[2] != digests[3]
    assert [(text.lines_before, Path(text.file).name) for text in texts] == [
        (0, "one.yaml"),
        (0, "two.yaml"),
        (1, "two.yaml"),
        (3, "two.yaml"),
    ]


@pytest.mark.parametrize(
    "data",
    [b"%YAML 1.2\n---\nkind: Role\n", b"kind: Role\n...\n", b"kind: Role\r\n---\r\n", b"a: \xc2\x85b\n", b"\xff\n"],
    ids=["directive", "end-marker", "carriage-return", "next-line", "not-utf-8"],
)
def test_what_reaches_over_separators_is_read_as_a_whole(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_bytes(data)
    assert texts_of([str(file)]) is None


def test_standard_input_and_what_is_not_there_are_read_as_a_whole(tmp_path: Path) -> None:
    assert texts_of(["-"]) is None
    assert texts_of([str(tmp_path / "nowhere")]) is None
