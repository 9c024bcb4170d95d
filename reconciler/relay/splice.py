"""Finding one value inside a raw payload and replacing its bytes, leaving every other byte as it came (R1)."""

import re
from collections.abc import Sequence
from typing import Final

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def find_value(payload: bytes, path: Sequence[str]) -> tuple[int, int] | None:
    """Return (start, end) of the scalar at `path`, a chain of object keys from the top, or None.

    `payload` is well-formed JSON. Keys are matched as written (OCPP's are plain ASCII); a key of the same name
    in an array, in `customData` or in a string is never taken for it.
    """
    wanted: list[bytes | None] = [b'"' + key.encode() + b'"' for key in path]
    if wanted[-1] not in payload:  # type: ignore[operator]  # no None in `wanted`
        return None
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
        elif previous == b":" and keys == wanted:
            return token.span()
        previous = text
    return None


def replace_span(payload: bytes, span: tuple[int, int], value: bytes) -> bytes:
    """Return `payload` with the bytes of `span` replaced by `value`."""
    return payload[: span[0]] + value + payload[span[1] :]
