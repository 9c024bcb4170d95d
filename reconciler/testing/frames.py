"""The OCPP-J envelope as the simulated ends read and write it; tolerant, for any input is a case to record."""

import json
from dataclasses import dataclass
from typing import Any, Final

CALL: Final = 2
CALLRESULT: Final = 3
CALLERROR: Final = 4
CALLRESULTERROR: Final = 5
SEND: Final = 6

_LENGTHS: Final = {CALL: 4, CALLRESULT: 3, CALLERROR: 5, CALLRESULTERROR: 5, SEND: 4}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A frame that can be understood. `action` is "" where the type has none; of errors, `payload` is the details."""

    kind: int
    message_id: Any
    action: str
    payload: Any
    code: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that can't be: `kind` None where it is no array of JSON, 0 for an unknown message type."""

    reason: str
    kind: int | None = None
    message_id: Any = None


def parse(raw: bytes) -> Envelope | Unreadable:
    """Read one frame; never raises."""
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError):
        return Unreadable("not JSON")
    if not isinstance(frame, list) or not frame:
        return Unreadable("not an OCPP-J array")
    kind = frame[0]
    if isinstance(kind, bool) or not isinstance(kind, int) or kind not in _LENGTHS:
        return Unreadable(f"message type {kind!r} is unknown", kind=0)
    if len(frame) < 2:
        return Unreadable("no message id", kind)
    if kind in (CALL, CALLRESULT) and len(frame) == _LENGTHS[kind] + 1 and isinstance(frame[2], dict):
        del frame[2]  # the header of a signed message; the signature is in the payload
    return _shaped(kind, frame)


def _shaped(kind: int, frame: list[Any]) -> Envelope | Unreadable:
    message_id = frame[1]
    if len(frame) != _LENGTHS[kind]:
        return Unreadable(f"{len(frame)} elements instead of {_LENGTHS[kind]}", kind, message_id)
    if kind == CALLRESULT:
        return Envelope(kind, message_id, "", frame[2])
    if not isinstance(frame[2], str):
        return Unreadable("the third element isn't a string", kind, message_id)
    if kind in (CALL, SEND):
        return Envelope(kind, message_id, frame[2], frame[3])
    return Envelope(kind, message_id, "", frame[4], code=frame[2], description=str(frame[3]))


def dump(*elements: Any) -> bytes:
    """Write a frame as compact JSON in UTF-8."""
    try:
        return json.dumps(elements, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can carry
        return json.dumps(elements, separators=(",", ":")).encode()
