"""Sources: files, directories and standard input; what is missing, empty or no text is said."""

from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

from reconciler.adapters.spec_files import read_documents, sources
from reconciler.model.diagnostics import Diagnostic, Position, Severity


def said(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(finding.summary, finding.hint) for finding in found]


def test_a_directory_is_all_its_yaml_files_in_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.yaml", "sub/deeper/d.yml", ".git/x.yaml", ".hidden.yaml", "e.json", "f.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"file: {name}\n")
    documents, diagnostics = read_documents([str(tmp_path)], None)
    assert not diagnostics
    assert [document.content["file"] for document in documents] == ["a.yml", "b.yaml", "sub/c.yaml", "sub/deeper/d.yml"]
    assert documents[0].position("file") == Position(str(tmp_path / "a.yml"), 1, 1)


def test_sources_keep_their_order_and_may_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.anything").write_text("n: 1\n---\nn: 2\n")
    documents, diagnostics = read_documents(["-", str(tmp_path / "a.anything")], StringIO("n: 0\n"))
    assert not diagnostics
    assert [(document.content["n"], Path(document.file).name) for document in documents] == [
        (0, "-"),
        (1, "a.anything"),
        (2, "a.anything"),
    ]


def test_a_missing_file_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("n: 1\n")
    documents, [finding] = read_documents(["/nowhere/x.yaml", str(tmp_path)], None)
    assert len(documents) == 1
    assert finding.severity is Severity.ERROR
    assert finding.summary == "there is no file or directory /nowhere/x.yaml"
    assert finding.hint == "check the path given with -f"


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n---\n", "---\n...\n"])
def test_an_input_without_documents_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    hint = "an empty input never means: delete everything"
    assert said(read_documents([str(file)], None)[1]) == [(f"nothing to read in {file}", hint)]
    assert said(read_documents([str(tmp_path)], None)[1]) == [(f"nothing to read in {tmp_path}", hint)]
    assert said(read_documents(["-"], StringIO(text))[1]) == [("nothing to read in standard input", hint)]


def test_no_source_at_all_is_an_error() -> None:
    assert said(read_documents([], None)[1]) == [("nothing to read", "name files or directories with -f")]


def test_an_empty_directory_and_a_closed_input_are_errors(tmp_path: Path) -> None:
    assert said(read_documents([str(tmp_path)], None)[1])[0][0] == f"nothing to read in {tmp_path}"
    assert said(read_documents(["-"], None)[1])[0][0] == "nothing to read in standard input"


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    [finding] = read_documents([str(file)], None)[1]
    assert (finding.summary, finding.position) == (f"{file} is not UTF-8 text", Position(str(file), 2, 1))
    piped = TextIOWrapper(BytesIO(b"a: \xff\n"), encoding="utf-8")
    assert said(read_documents(["-"], piped)[1]) == [("standard input is not UTF-8 text", "pipe in UTF-8")]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\n---\r\nb: 2\r\n")
    documents, diagnostics = read_documents([str(file)], None)
    assert not diagnostics
    assert [document.places for document in documents] == [{"": (1, 1), "a": (1, 1)}, {"": (3, 1), "b": (3, 1)}]


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    [finding] = read_documents([str(tmp_path)], None)[1]
    assert finding.summary.startswith(f"{loop} cannot be read: ")
    assert finding.hint == "check the path and its permissions"


def test_a_file_beyond_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BYTES_MAX", 1024 * 1024)
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\n" * 300_000)
    assert said(read_documents([str(file)], None)[1]) == [
        (f"{file} is larger than 1 MiB", "split it into several files")
    ]
