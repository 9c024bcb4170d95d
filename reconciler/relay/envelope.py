"""The envelope of a frame: type, message id and action are read, the payload stays the bytes it came as (R1).

    [2, "id", "Action", {...}]        CALL             [3, "id", {...}]                    CALLRESULT
    [6, "id", "Action", {...}]        SEND (2.1)       [4, "id", "code", "text", {...}]    CALLERROR
    [2, "id", {ext}, "Action-Signed", {...}]           [5, "id", "code", "text", {...}]    CALLRESULTERROR (2.1)

OCPP-J part 4, chapter 4; signed frames chapter 7.

A frame nests at most `DEPTH_MAX` deep, whatever the interpreter could bear: whoever reads a payload later, some calls
further in, can do so.
"""

import re
from enum import IntEnum
from itertools import accumulate
from typing import Final

import msgspec

from reconciler.relay.shapes import Elements


class Kind(IntEnum):
    """Message types of OCPP-J."""

    CALL = 2
    CALLRESULT = 3
    CALLERROR = 4
    CALLRESULTERROR = 5
    SEND = 6


UNREADABLE: Final = (msgspec.MsgspecError,)
"""What decoding a payload may raise."""

DEPTH_MAX: Final = 128
"""Objects and arrays within each other, the frame's own array included; OCPP's own messages nest eight deep."""

_ELEMENTS: Final = msgspec.json.Decoder(Elements)
_ANYTHING: Final = msgspec.json.Decoder(msgspec.Raw)
_TEXT: Final = msgspec.json.Decoder(str)
_KINDS: Final = {str(kind.value).encode(): kind for kind in Kind}
_SIGNED: Final = "-Signed"
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_HEAD: Final = re.compile(rb'\s*\[\s*(-?\d+)\s*,\s*("(?:[^"\\]|\\.)*"|[^\s,\]]+)')


class Frame:
    """One readable frame. `raw` is what came; `id_token` its message id as written, `id` the same as a key."""

    __slots__ = ("action", "id", "id_token", "kind", "payload", "raw", "signed")

    def __init__(
        self, kind: Kind, id_token: bytes, key: str, action: str, payload: msgspec.Raw, raw: bytes, signed: bool
    ) -> None:
        self.kind = kind
        self.id_token = id_token
        self.id = key
        self.action = action
        """Without "-Signed"; "" for answers."""
        self.payload = payload
        self.raw = raw
        self.signed = signed

    def with_id(self, id_token: bytes) -> bytes:
        """Return the frame with its message id replaced and every other byte as it came."""
        if id_token == self.id_token:
            return self.raw
        start, end = self._id_span()
        return self.raw[:start] + id_token + self.raw[end:]

    def rewritten(self, id_token: bytes, payload: bytes) -> bytes:
        """Return the frame with id and payload replaced and every other byte as it came (never a signed one)."""
        old = bytes(self.payload)
        if payload == old:
            return self.with_id(id_token)
        start, end = self._id_span()
        at = self.raw.index(old, end)
        return self.raw[:start] + id_token + self.raw[end:at] + payload + self.raw[at + len(old) :]

    def _id_span(self) -> tuple[int, int]:
        start = self.raw.index(self.id_token, self.raw.index(b",") + 1)
        return start, start + len(self.id_token)


class Malformed:
    """A frame that can't be read; `id_token` is its message id where even that much is legible."""

    __slots__ = ("id_token", "kind", "reason")

    def __init__(self, reason: str, kind: Kind | None, id_token: bytes | None) -> None:
        self.reason = reason
        self.kind = kind
        self.id_token = id_token


class UnknownType:
    """A well-formed frame of a message type that nobody defined: its payload is to be ignored (4.1.3)."""

    __slots__ = ("id_token",)

    def __init__(self, id_token: bytes) -> None:
        self.id_token = id_token


def read_frame(raw: bytes) -> Frame | Malformed | UnknownType:
    """Read the envelope of one text message (valid UTF-8). Never raises."""
    if len(raw) > 2 * DEPTH_MAX and raw.count(b"[") + raw.count(b"{") > DEPTH_MAX and _depth(raw) > DEPTH_MAX:
        return _illegible(raw, f"nested more than {DEPTH_MAX} deep")
    try:
        elements = _ELEMENTS.decode(raw)
    except UNREADABLE as error:
        return _illegible(raw, str(error))
    kind = _KINDS.get(bytes(elements.kind))
    id_token = bytes(elements.id)
    if kind is None:
        return UnknownType(id_token) if bytes(elements.kind).isdigit() else Malformed("no message type", None, None)
    try:
        key = id_key(id_token)
        if kind is Kind.CALL or kind is Kind.SEND:
            return _call(kind, id_token, key, elements, raw)
        return _answer(kind, id_token, key, elements, raw)
    except (msgspec.MsgspecError, ValueError) as error:
        return Malformed(str(error), kind, _legible(id_token))


def _depth(raw: bytes) -> int:
    """Return how deep a frame nests; brackets in texts don't count."""
    outside_texts = raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
    brackets = b"".join(outside_texts[::2]).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def id_key(id_token: bytes) -> str:
    """Return the message id as a dictionary key; odd ids (numbers, null) never equal a string id."""
    if id_token[:1] == b'"':
        if b"\\" in id_token:
            return _TEXT.decode(id_token)
        return id_token[1:-1].decode()
    return "\x00" + id_token.decode()


def _call(kind: Kind, id_token: bytes, key: str, elements: Elements, raw: bytes) -> Frame:
    third = bytes(elements.third)
    if third[:1] == b"{":
        action, payload, signed = _TEXT.decode(elements.fourth), elements.fifth, True
        if not action.endswith(_SIGNED):
            raise ValueError("an extra object stands where the action belongs")
        action = action.removesuffix(_SIGNED)
    else:
        action, payload, signed = _TEXT.decode(third), elements.fourth, False
    _expect_object(payload, null_allowed=True)
    return Frame(kind, id_token, key, action, payload, raw, signed)


def _answer(kind: Kind, id_token: bytes, key: str, elements: Elements, raw: bytes) -> Frame:
    if kind is Kind.CALLRESULT:
        signed = bool(bytes(elements.fourth))
        payload = elements.fourth if signed else elements.third
        _expect_object(payload, null_allowed=True)
        return Frame(kind, id_token, key, "", payload, raw, signed)
    _TEXT.decode(elements.third)
    return Frame(kind, id_token, key, "", elements.fifth, raw, False)


def _expect_object(payload: msgspec.Raw, *, null_allowed: bool) -> None:
    text = bytes(payload)
    if text[:1] != b"{" and not (null_allowed and text == b"null"):
        raise ValueError("the payload is no JSON object")


def _illegible(raw: bytes, reason: str) -> Malformed:
    head = _HEAD.match(raw)
    if head is None:
        return Malformed(reason, None, None)
    return Malformed(reason, _KINDS.get(head[1]), _legible(head[2]) if head[2][:1] == b'"' else None)


def _legible(id_token: bytes) -> bytes | None:
    """Return a message id that may be echoed: one whose own JSON is in order."""
    try:
        id_key(id_token)
        _ANYTHING.decode(id_token)
    except (*UNREADABLE, ValueError):
        return None
    return id_token


def quoted(text: str) -> bytes:
    """Return `text` as a JSON string token."""
    return msgspec.json.encode(text)


def call(id_token: bytes, action: str, payload: bytes) -> bytes:
    """Return a CALL frame of the relay's own."""
    return b"[2,%b,%b,%b]" % (id_token, quoted(action), payload)


def call_result(id_token: bytes, payload: bytes) -> bytes:
    """Return a CALLRESULT frame of the relay's own."""
    return b"[3,%b,%b]" % (id_token, payload)


def call_error(id_token: bytes, code: str, description: str) -> bytes:
    """Return a CALLERROR frame of the relay's own; the description is cut to OCPP's 255 characters."""
    return b"[4,%b,%b,%b,{}]" % (id_token, quoted(code), quoted(description[:255]))
