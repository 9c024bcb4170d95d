"""Reading: the text of one file into documents, with the place of every field and every fault.

Keys are always text, duplicate keys are errors, aliases are bounded; what comes out is plain JSON data.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from reconciler.adapters.spec_files.scalars import plain_scalar
from reconciler.model.addresses import address_of
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.documents import Document

DEPTH_MAX: Final = 50
ALIASED_NODES_MAX: Final = 100_000
"""Nodes that aliases (`*x`) may repeat in one file: enough for honest use, and no billion laughs."""

_TOO_DEEP: Final = f"nested deeper than {DEPTH_MAX} levels"
_TOO_DEEP_HINT: Final = "no kind needs that"
_SEPARATOR: Final = re.compile(r"\n---(?=\s|\Z)")
"""With the end of the line before it: a search that begins with a letter skips what does not."""
_KIND: Final = re.compile(r"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)
_NAME: Final = re.compile(r"^metadata:\s*\{?[^{}]*?\bname:[ \t]*[\"']?([-a-z0-9.]+)", re.MULTILINE)


@dataclass(slots=True)
class Reading:
    """What reading one source has given so far."""

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(
        self, file: str, summary: str, hint: str = "", place: tuple[int, int] = (1, 1), address: str | None = None
    ) -> None:
        """Add an error at `place` (line, column) of `file`."""
        self.diagnostics.append(Diagnostic(Severity.ERROR, summary, address, Position(file, *place), hint))


def read_text(text: str, file: str, found: Reading) -> None:
    """Add the documents of one text; where it is broken, every document that stands on its own is read all the same."""
    whole = Reading()
    try:
        _read_events(text, file, 0, _Budget(ALIASED_NODES_MAX), whole)
    except yaml.YAMLError:
        read_parts(parts_of(text), file, found)
        return
    found.documents += whole.documents
    found.diagnostics += whole.diagnostics


def read_parts(parts: Iterable[tuple[int, str]], file: str, found: Reading) -> None:
    """Add the documents of parts of one file, each with the number of lines before it."""
    aliased = _Budget(ALIASED_NODES_MAX)
    for line, part in parts:
        _read_part(part, file, line, aliased, found)


def parts_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield the text between document separators, each with the number of lines before it."""
    starts = [0, *(match.start() + 1 for match in _SEPARATOR.finditer(text))]
    line = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        yield line, part
        line += part.count("\n")


def _read_part(text: str, file: str, lines_before: int, aliased: "_Budget", found: Reading) -> None:
    try:
        _read_events(text, file, lines_before, aliased, found)
    except yaml.YAMLError as reason:
        summary, hint, (line, column) = _explain(reason, text)
        found.error(file, summary, hint, (line + lines_before, column), _claimed_address(text))


def _claimed_address(text: str) -> str | None:
    """Return the address that a document which is no YAML most likely claims, None where it does not show."""
    kind, name = _KIND.search(text), _NAME.search(text)
    return address_of({"kind": kind[1], "metadata": {"name": name[1]}}) if kind and name else None


def _explain(reason: yaml.YAMLError, text: str) -> tuple[str, str, tuple[int, int]]:
    """Return summary, hint and place of a YAML error."""
    if isinstance(reason, _Refused):
        return reason.summary, reason.hint, reason.place
    if isinstance(reason, yaml.reader.ReaderError):
        line = text.count("\n", 0, reason.position) + 1
        return f"not valid YAML: {reason.reason}", "remove the character", (line, 1)
    mark = getattr(reason, "problem_mark", None) or getattr(reason, "context_mark", None)
    place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = getattr(reason, "problem", None) or str(reason)
    if "nesting depth" in problem:  # libyaml looks ahead, and has a limit too
        return _TOO_DEEP, _TOO_DEEP_HINT, place
    context = getattr(reason, "context", None)
    hint = "look at the indentation, and at quotes and brackets that are not closed"
    if "\t" in problem or "tab" in problem or "cannot start any token" in problem:
        hint = "YAML is indented with spaces, never with tabs; text that begins with a special character needs quotes"
    return f"not valid YAML: {problem}{f' ({context})' if context else ''}", hint, place


def _read_events(text: str, file: str, lines_before: int, aliased: "_Budget", found: Reading) -> None:
    """Add the documents of `text`, one after another; raises YAMLError at the first place that is no YAML."""
    parser = yaml.CSafeLoader(text)
    building = _Building(aliased, lines_before)
    try:
        while (event := parser.get_event()) is not None:
            kind = type(event)
            if kind is yaml.DocumentStartEvent:
                building = _Building(aliased, lines_before)
            elif kind is yaml.DocumentEndEvent:
                _add(building, file, found)
            elif kind not in _STREAM:
                building.take(event)
    finally:
        parser.dispose()


def _add(building: "_Building", file: str, found: Reading) -> None:
    """Add the document that was built, and what is wrong with it."""
    content = building.root
    if content is _NOTHING and not building.faults:
        return  # only a separator or a comment
    if not isinstance(content, dict):
        summary = "a document must be a mapping with apiVersion, kind, metadata and spec"
        building.fault(building.places[""], summary, "begin it with apiVersion: fwdctl/v1")
    address = address_of(content) if isinstance(content, dict) else None
    for place, summary, hint in building.faults:
        found.error(file, summary, hint, place, address)
    if isinstance(content, dict):
        found.documents.append(Document(content, file, building.places))


_NOTHING: Final = object()
"""No root yet, or a key whose value is thrown away because the key itself is wrong."""

_CORE: Final = "tag:yaml.org,2002:"
# Compared by identity, as there are millions of events in a large site and no subclasses of them.
_STREAM: Final = (yaml.StreamStartEvent, yaml.StreamEndEvent)
_ENDS: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _Refused(yaml.YAMLError):
    """Raised for what is YAML and is not read all the same."""

    def __init__(self, event: yaml.Event, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.summary, self.hint, self.place = summary, hint, _start(event)


def _start(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


@dataclass(slots=True)
class _Budget:
    left: int


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still being read; `key` is that of the value to come."""

    content: dict[str, Any] | list[Any]
    prefix: str
    anchor: str | None
    nodes_before: int
    key: Any = None


class _Building:
    """One document growing out of parser events: no recursion, and an alias shares what it repeats."""

    def __init__(self, aliased: _Budget, lines_before: int) -> None:
        self.root: Any = _NOTHING
        self.places: dict[str, tuple[int, int]] = {}
        self.faults: list[tuple[tuple[int, int], str, str]] = []
        self._aliased = aliased
        self._lines_before = lines_before
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def fault(self, place: tuple[int, int], summary: str, hint: str = "") -> None:
        """Remember what is wrong at `place`."""
        self.faults.append((place, summary, hint))

    def take(self, event: yaml.Event) -> None:
        """Take the next event of this document; raises _Refused for what cannot be read on."""
        top = self._open[-1] if self._open else None
        if type(event) in _ENDS:
            self._close()
        elif top is not None and isinstance(top.content, dict) and top.key is None:
            self._take_key(event, top, top.content)
        else:
            self._take_value(event)

    def _place(self, event: yaml.Event) -> tuple[int, int]:
        line, column = _start(event)
        return line + self._lines_before, column

    def _take_key(self, event: yaml.Event, top: _Open, content: dict[str, Any]) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise _Refused(event, "a key must be plain text", "write simple keys, one value each")
        key, place = event.value, self._place(event)
        top.key = key
        if key in content:
            line, column = self.places[top.prefix + key]
            self.fault(
                place, f"key {key} is written twice", f"it is at line {line}, column {column} already; remove one"
            )
            top.key = _NOTHING
        elif key == "<<" and event.implicit[0]:
            self.fault(place, "merge keys (<<) are not supported", "write the fields out")
            top.key = _NOTHING
        else:
            self.places[top.prefix + key] = place
            content[key] = None  # keeps the order and finds repeats; the value follows

    def _take_value(self, event: yaml.Event) -> None:
        self._nodes += 1
        if type(event) is yaml.ScalarEvent and self._open and isinstance(self._open[-1].key, str):
            self._put(self._scalar(event), event.anchor)  # most events; the place is that of its key
            return
        path = self._path()
        if path not in self.places:
            self.places[path] = self._place(event)
        if isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event), event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._repeat(event)
        elif len(self._open) >= DEPTH_MAX:
            raise _Refused(event, _TOO_DEEP, _TOO_DEEP_HINT)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            self._check_tag(event, "map" if is_mapping else "seq")
            prefix = f"{path}." if path else ""
            self._open.append(_Open({} if is_mapping else [], prefix, event.anchor, self._nodes))

    def _path(self) -> str:
        """Return the path of the value to come."""
        if not self._open:
            return ""
        top = self._open[-1]
        if isinstance(top.content, list):
            return f"{top.prefix}{len(top.content)}"
        return f"{top.prefix}{'' if top.key is _NOTHING else top.key}"

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if event.implicit[0]:
            return plain_scalar(event.value) if event.value or self._open else _NOTHING
        self._check_tag(event, "str")
        return event.value

    def _check_tag(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", _CORE + kind):
            self.fault(self._place(event), f"the tag {event.tag} is not supported", "remove the tag; write plain YAML")

    def _repeat(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise _Refused(event, f"there is no anchor {event.anchor} before this alias", "define it first")
        value, nodes = self._anchors[event.anchor]
        self._nodes += nodes
        self._aliased.left -= nodes
        if self._aliased.left < 0:
            raise _Refused(event, f"aliases repeat more than {ALIASED_NODES_MAX} nodes", "write the fields out")
        self._put(value, None)

    def _close(self) -> None:
        closed = self._open.pop()
        self._put(closed.content, None)
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (closed.content, self._nodes - closed.nodes_before + 1)

    def _put(self, value: Any, anchor: str | None) -> None:
        """Put a finished value where it belongs."""
        if anchor is not None:
            self._anchors[anchor] = (value, 1)
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        if isinstance(top.content, list):
            top.content.append(value)
            return
        if top.key is not _NOTHING:
            top.content[top.key] = value
        top.key = None
