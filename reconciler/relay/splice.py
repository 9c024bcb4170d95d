"""Finding one value inside a raw payload and replacing its bytes, leaving every other byte as it came (R1)."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final

ELEMENT: Final = "[]"
"""In a path: any element of an array."""

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def find_values(payload: bytes, path: Sequence[str]) -> list[tuple[int, int]]:
    """Return (start, end) of every scalar at `path`: a chain of object keys from the top, "[]" for any array element.

    `payload` is well-formed JSON. Keys are matched as written (OCPP's are plain ASCII); a key of the same name
    elsewhere, in `customData` or in a string is never taken for it.
    """
    return list(_values(payload, path))


def find_value(payload: bytes, path: Sequence[str]) -> tuple[int, int] | None:
    """Return (start, end) of the first scalar at `path`, or None; what comes behind it is not looked at."""
    return next(_values(payload, path), None)


def _values(payload: bytes, path: Sequence[str]) -> Iterator[tuple[int, int]]:
    wanted = [None if key == ELEMENT else b'"' + key.encode() + b'"' for key in path]
    if not all(key is None or key in payload for key in wanted):
        return
    before = (b":",) if wanted[-1] is not None else (b"[", b",")
    keys: list[bytes | None] = []  # of every open container: the key at hand, None for an array
    previous = b""
    for token in _TOKEN.finditer(payload):
        text = token[0]
        if text == b"{":
            keys.append(b"")
        elif text == b"[":
            keys.append(None)
        elif text in (b"}", b"]"):
            keys.pop()
        elif text == b":":
            keys[-1] = previous
        elif text != b"," and previous in before and keys == wanted:
            yield token.span()
        previous = text


def replace_span(payload: bytes, span: tuple[int, int], value: bytes) -> bytes:
    """Return `payload` with the bytes of `span` replaced by `value`."""
    return payload[: span[0]] + value + payload[span[1] :]


def find_members(payload: bytes, keys: Container[str]) -> dict[str, tuple[int, int, int]]:
    """Return, for each of `keys` at the top of the object, (start of the key, start and end of its value)."""
    found: dict[str, tuple[int, int, int]] = {}
    depth = 0
    key: tuple[str, int] | None = None
    value_at = -1
    previous: re.Match[bytes] | None = None
    for token in _TOKEN.finditer(payload):
        text = token[0]
        if depth == 1 and value_at >= 0 and text in (b",", b"}") and key is not None and previous is not None:
            if key[0] in keys:
                found[key[0]] = (key[1], value_at, previous.end())
            key, value_at = None, -1
        if text in (b"{", b"["):
            depth += 1
        elif text in (b"}", b"]"):
            depth -= 1
        if depth == 1 and text == b":" and key is None and previous is not None:
            key = (previous[0][1:-1].decode(), previous.start())
        elif key is not None and value_at < 0:
            value_at = token.start()
        previous = token
    return found


def with_members(payload: bytes, wanted: Mapping[str, bytes | None]) -> bytes:
    """Return the object with these top-level members set to the given raw values, or removed (None).

    Every byte of other members stays as it came.
    """
    found = find_members(payload, wanted)
    for key, (key_at, start, end) in sorted(found.items(), key=lambda item: -item[1][0]):
        value = wanted[key]
        payload = payload[:start] + value + payload[end:] if value is not None else _without(payload, key_at, end)
    new = [
        b'"%b":%b' % (key.encode(), value) for key, value in wanted.items() if value is not None and key not in found
    ]
    if not new:
        return payload
    at = payload.index(b"{") + 1
    rest = payload[at:]
    return payload[:at] + b",".join(new) + (b"" if rest.lstrip().startswith(b"}") else b",") + rest


def _without(payload: bytes, start: int, end: int) -> bytes:
    """Cut a member out, with the one comma that goes with it."""
    before, after = payload[:start], payload[end:]
    if after.lstrip().startswith(b","):
        return before + after.lstrip()[1:].lstrip()
    stripped = before.rstrip()
    return (stripped[:-1] if stripped.endswith(b",") else before) + after
