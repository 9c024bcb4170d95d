"""Spec files: YAML from files, directories and standard input, with the place of every field.

YAML 1.2's core schema, not 1.1's: `on`, `no` and `1:20` are text, `0777` is a decimal number. Keys are always
text, duplicate keys are errors. What comes out is plain JSON data.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import yaml

from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.documents import Document
from reconciler.planning.documents import address_of

BYTES_MAX: Final = 64 * 1024 * 1024
"""Of one file; 600,000 chargers fit."""
DEPTH_MAX: Final = 50
ALIASED_NODES_MAX: Final = 100_000
"""Nodes that aliases (`*x`) may repeat in one file: enough for honest use, and no billion laughs."""
STDIN: Final = "-"

_SUFFIXES: Final = (".yaml", ".yml")
_SEPARATOR: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def read_documents(sources: Sequence[str], stdin: TextIO | None = None) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of all `sources` in order, and all that is wrong with them as YAML.

    A source is a file, a directory (all *.yaml and *.yml below it, sorted, hidden ones left out) or "-" for
    `stdin`. A source without any document is an error.
    """
    documents: list[Document] = []
    diagnostics: list[Diagnostic] = []
    for source in sources:
        found = _Reading()
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


@dataclass(slots=True)
class _Reading:
    """What reading one source has given so far."""

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(
        self, file: str, summary: str, hint: str = "", place: tuple[int, int] = (1, 1), address: str | None = None
    ) -> None:
        self.diagnostics.append(Diagnostic(Severity.ERROR, summary, address, Position(file, *place), hint))


def _shown(source: str) -> str:
    return "standard input" if source == STDIN else source


def _read_stdin(stdin: TextIO | None, found: _Reading) -> None:
    text = "" if stdin is None else stdin.read(BYTES_MAX + 1)
    _read_text(text, STDIN, found)


def _read_path(source: str, found: _Reading) -> None:
    path = Path(source)
    if path.is_dir():
        for file in _files_below(path):
            _read_file(file, found)
    elif path.exists():
        _read_file(path, found)
    else:
        found.error(source, f"there is no file or directory {source}", "check the path given with -f")


def _files_below(directory: Path) -> Iterator[Path]:
    for here, directories, files in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(here, name)


def _read_file(path: Path, found: _Reading) -> None:
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
        _read_text(text, file, found)


def _read_text(text: str, file: str, found: _Reading) -> None:
    """Add the documents of one text; where it is broken, every document that stands on its own is read all the same."""
    if len(text) > BYTES_MAX:
        found.error(file, f"{_shown(file)} is larger than {BYTES_MAX // 1024**2} MiB", "split it into several files")
        return
    try:
        roots = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.YAMLError:
        for line, part in _parts(text):
            _read_part(part, file, line, found)
        return
    _convert_all(roots, file, 0, found)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the text between document separators, each with the number of lines before it."""
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text) if match.start() > 0)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text.count("\n", 0, start), text[start:end]


def _read_part(text: str, file: str, lines_before: int, found: _Reading) -> None:
    try:
        roots = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.YAMLError as reason:
        summary, hint, (line, column) = _explain(reason, text)
        found.error(file, summary, hint, (line + lines_before, column))
    else:
        _convert_all(roots, file, lines_before, found)


def _explain(reason: yaml.YAMLError, text: str) -> tuple[str, str, tuple[int, int]]:
    """Return summary, hint and place of a YAML error."""
    if isinstance(reason, yaml.reader.ReaderError):
        line = text.count("\n", 0, reason.position) + 1
        return f"not valid YAML: {reason.reason}", "remove the character", (line, 1)
    mark = getattr(reason, "problem_mark", None) or getattr(reason, "context_mark", None)
    place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = getattr(reason, "problem", None) or str(reason)
    context = getattr(reason, "context", None)
    hint = "look at the indentation, and at quotes and brackets that are not closed"
    if "\t" in problem or "tab" in problem or "cannot start any token" in problem:
        hint = "YAML is indented with spaces, never with tabs; text that begins with a special character needs quotes"
    return f"not valid YAML: {problem}{f' ({context})' if context else ''}", hint, place


def _convert_all(roots: list[yaml.Node], file: str, lines_before: int, found: _Reading) -> None:
    aliased = _Budget(ALIASED_NODES_MAX)
    for root in roots:
        conversion = _Conversion(file, lines_before, aliased)
        if _is_empty(root):
            continue
        content = conversion.convert(root, "", 0)
        if not isinstance(content, dict):
            conversion.fault(root, "a document must be a mapping with apiVersion, kind, metadata and spec")
            content = {}
        address = address_of(content)
        for summary, hint, place in conversion.faults:
            found.error(file, summary, hint, place, address)
        if content:
            found.documents.append(Document(content, file, conversion.places))


def _is_empty(root: yaml.Node) -> bool:
    return isinstance(root, yaml.ScalarNode) and not root.value and root.style is None


class _Loader(yaml.CSafeLoader):
    """The C parser without tag resolution: `_Conversion` resolves plain scalars itself."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _MAPPING if kind is yaml.MappingNode else _SEQUENCE

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Paths have no tags of their own."""

    def ascend_resolver(self) -> None:
        """Nothing was descended into."""


_PLAIN: Final = "plain"
_TEXT: Final = "tag:yaml.org,2002:str"
_MAPPING: Final = "tag:yaml.org,2002:map"
_SEQUENCE: Final = "tag:yaml.org,2002:seq"
_CONSTANTS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_BASED: Final = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?", re.ASCII)
_NUMBER_STARTS: Final = frozenset("0123456789-+.")


def _scalar(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.2's core schema; numbers out of any sensible range stay text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > 100:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


@dataclass(slots=True)
class _Budget:
    left: int


class _Conversion:
    """Turns the nodes of one document into data, and remembers where each field is written."""

    def __init__(self, file: str, lines_before: int, aliased: _Budget) -> None:
        self.file = file
        self.places: dict[str, tuple[int, int]] = {}
        self.faults: list[tuple[str, str, tuple[int, int]]] = []
        self._lines_before = lines_before
        self._aliased = aliased
        self._seen: set[int] = set()
        self._stopped = False

    def convert(self, node: yaml.Node, path: str, depth: int) -> Any:
        """Return the data of `node`, which is written at `path`."""
        if path not in self.places:
            self.places[path] = self._place(node)
        if node.tag is _PLAIN:
            return _scalar(node.value)
        if depth > DEPTH_MAX or not self._affordable(node):
            self._stop(node)
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == _MAPPING:
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == _SEQUENCE:
            prefix = f"{path}." if path else ""
            return [self.convert(item, f"{prefix}{index}", depth + 1) for index, item in enumerate(node.value)]
        if node.tag != _TEXT:
            self.fault(node, f"the tag {node.tag} is not supported", "remove the tag; write plain YAML")
        return node.value if isinstance(node, yaml.ScalarNode) else None

    def fault(self, node: yaml.Node, summary: str, hint: str = "") -> None:
        """Remember that something is wrong with `node`."""
        self.faults.append((summary, hint, self._place(node)))

    def _place(self, node: yaml.Node) -> tuple[int, int]:
        return node.start_mark.line + 1 + self._lines_before, node.start_mark.column + 1

    def _affordable(self, node: yaml.Node) -> bool:
        """False once aliases repeat too much; a node met twice was reached through an alias."""
        if id(node) in self._seen:
            self._aliased.left -= 1 + len(node.value)
        self._seen.add(id(node))
        return self._aliased.left >= 0

    def _stop(self, node: yaml.Node) -> None:
        """Say, once a document, that it is not read any further here."""
        if not self._stopped:
            summary = f"nested deeper than {DEPTH_MAX} levels, or aliases repeat more than {ALIASED_NODES_MAX} nodes"
            self.fault(node, summary, "no kind needs that: write the fields out")
        self._stopped = True

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        content: dict[str, Any] = {}
        prefix = f"{path}." if path else ""
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self.fault(key_node, "a key must be text", "write simple keys")
                continue
            here = prefix + key
            if key in content:
                line, column = self.places[here]
                self.fault(key_node, f"key {key} is written twice", f"it is at {self.file}:{line}:{column} already")
                continue
            if key == "<<" and key_node.tag is _PLAIN:
                self.fault(key_node, "merge keys (<<) are not supported", "write the fields out")
                continue
            self.places[here] = self._place(key_node)
            content[key] = self.convert(value_node, here, depth + 1)
        return content
