"""Documents: what a spec file holds, parsed but not yet validated, with the place of every field."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from reconciler.model.diagnostics import Position

NOWHERE: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({"": (0, 0)})
"""The places of a document without lines."""


class Document(msgspec.Struct, frozen=True):
    """One YAML document.

    `content` is plain JSON data. `places` maps the dotted path of a field ("" the document itself,
    "spec.backends.0.role" a field in a list) to (line, column) of its key, counted from 1. `text` is the digest of the
    text that it was read from, "" where that is not told. What is from no file has NOWHERE as its places; `file` then
    says what it is from.
    """

    content: Mapping[str, Any]
    file: str = "-"
    places: Mapping[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    text: str = ""

    def position(self, path: str = "") -> Position:
        """Return the place of `path`, or of the nearest enclosing field that is written down."""
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        line, column = self.places.get(path, (1, 1))
        return Position(self.file, line, column)
