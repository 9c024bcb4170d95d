"""Sources: the files, directories and standard input that specs are read from."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from reconciler.adapters.spec_files.reading import Reading, read_text
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.documents import Document

BYTES_MAX: Final = 64 * 1024 * 1024
"""Of one file; 300,000 chargers fit."""
STDIN: Final = "-"

_SUFFIXES: Final = (".yaml", ".yml")


def read_documents(sources: Sequence[str], stdin: TextIO | None = None) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of all `sources` in order, and all that is wrong with them as YAML.

    A source is a file, a directory (all *.yaml and *.yml below it, sorted, hidden ones left out) or "-" for
    `stdin`. A source without any document is an error.
    """
    documents: list[Document] = []
    diagnostics: list[Diagnostic] = []
    for source in sources:
        found = Reading()
        if source == STDIN:
            _read_stdin(stdin, found)
        else:
            _read_path(source, found)
        if not found.documents and not found.diagnostics:
            found.error(source, f"nothing to read in {_shown(source)}", "an empty input never means: delete everything")
        documents += found.documents
        diagnostics += found.diagnostics
    if not sources:
        diagnostics.append(Diagnostic(Severity.ERROR, "nothing to read", hint="name files or directories with -f"))
    return documents, diagnostics


def _shown(source: str) -> str:
    return "standard input" if source == STDIN else source


def _read_stdin(stdin: TextIO | None, found: Reading) -> None:
    try:
        text = "" if stdin is None else stdin.read(BYTES_MAX + 1)
        text.encode()  # half a surrogate pair is no text either
    except UnicodeError:
        found.error(STDIN, "standard input is not UTF-8 text", "pipe in UTF-8")
    else:
        _read_bounded(text, STDIN, found)


def _read_path(source: str, found: Reading) -> None:
    path = Path(source)
    if path.exists():
        for file in files_of(path):
            _read_file(file, found)
    else:
        found.error(source, f"there is no file or directory {source}", "check the path given with -f")


def files_of(path: Path) -> Iterator[Path]:
    """Yield the file itself, or all spec files of a directory."""
    if path.is_dir():
        yield from _files_below(path)
    else:
        yield path


def _files_below(directory: Path) -> Iterator[Path]:
    for here, directories, files in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(here, name)


def _read_file(path: Path, found: Reading) -> None:
    file = str(path)
    try:
        with path.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
        text = data.decode("utf-8-sig")
    except OSError as reason:
        found.error(file, f"{file} cannot be read: {reason.strerror}", "check the path and its permissions")
    except UnicodeDecodeError as reason:
        line = data.count(b"\n", 0, reason.start) + 1
        found.error(file, f"{file} is not UTF-8 text", "save the file as UTF-8", (line, 1))
    else:
        _read_bounded(text, file, found)


def _read_bounded(text: str, file: str, found: Reading) -> None:
    if len(text) > BYTES_MAX:
        found.error(file, f"{_shown(file)} is larger than {BYTES_MAX // 1024**2} MiB", "split it into several files")
    else:
        read_text(text, file, found)
