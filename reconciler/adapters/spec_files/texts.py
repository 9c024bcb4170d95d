"""Texts: spec files taken apart at their document separators, so that what a server knows need not be read again.

A separator at the start of a line ends whatever came before it, so each part stands for itself: the same text gives the
same document, wherever it stands. Only where it stands differs, and that the part remembers.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from reconciler.adapters.spec_files.reading import Reading, parts_of, read_parts
from reconciler.adapters.spec_files.sources import BYTES_MAX, STDIN, files_of
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.documents import Document

_REACHES_OVER: Final = re.compile(r"(?:\n|\A)(?:%|\.\.\.(?=\s|\Z))")
"""Directives and end markers, which hold beyond a separator."""
_ODD_ENDS: Final = ("\r", "\x85", "\u2028", "\u2029", "\ufeff")
"""What YAML counts as the end of a line and we don't."""


class SpecText(msgspec.Struct, frozen=True):
    """The text of (at most) one document, with the lines before it in `file`."""

    file: str
    lines_before: int
    text: str
    digest: str


def texts_of(sources: Sequence[str]) -> list[SpecText] | None:
    """Return the texts of all `sources`; None where they have to be read as a whole, faults and all."""
    found: list[SpecText] = []
    for source in sources:
        if source == STDIN or not Path(source).exists():
            return None
        for file in files_of(Path(source)):
            text = _plain_text(file)
            if text is None:
                return None
            found += _texts(str(file), text)
    return found


def read_texts(texts: Iterable[SpecText]) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of `texts`, each with its text's digest, and what is wrong with them as YAML."""
    documents: list[Document] = []
    diagnostics: list[Diagnostic] = []
    for text in texts:
        found = Reading()
        read_parts([(text.lines_before, text.text)], text.file, found)
        diagnostics += found.diagnostics
        documents += [Document(one.content, one.file, one.places, text.digest) for one in found.documents]
    return documents, diagnostics


def _texts(file: str, text: str) -> Iterator[SpecText]:
    for lines_before, part in parts_of(text):
        yield SpecText(file, lines_before, part, blake2b(part.encode(), digest_size=16).hexdigest())


def _plain_text(file: Path) -> str | None:
    """Return what is in a file, None where it can't be taken apart, or not be read at all."""
    try:
        data = file.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    return text if len(data) <= BYTES_MAX and _stands_alone(text) else None


def _stands_alone(text: str) -> bool:
    """Tell whether the parts of a text mean the same wherever they stand."""
    if any(end in text for end in (_ODD_ENDS[:1] if text.isascii() else _ODD_ENDS)):
        return False
    return ("%" not in text and "..." not in text) or _REACHES_OVER.search(text) is None
