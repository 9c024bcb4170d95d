"""WebSocket frames as they are nearly always in OCPP: one whole, uncompressed text each, read and written in one step.

websockets' Sans-I/O core reads and writes all others. It is fed whole frames, so both may take turns on one stream.
"""

from secrets import token_bytes
from typing import Final

from websockets.speedups import apply_mask

_WHOLE_TEXT: Final = 0x81
"""First byte: FIN, no extension's bit, opcode 1."""
_MASKED: Final = 0x80
_SIZE_16: Final = 126
_SIZE_64: Final = 127
_HEAD_16: Final = 4
_HEAD_64: Final = 10
_MASK: Final = 4


def frame_size(data: bytes, at: int) -> int:
    """Return how many bytes the frame that begins at `at` has, its head included; 0 where the head is incomplete."""
    room = len(data) - at
    if room < 2:
        return 0
    size, mask = data[at + 1] & 0x7F, _MASK if data[at + 1] & _MASKED else 0
    if size < _SIZE_16:
        return 2 + mask + size
    head = _HEAD_16 if size == _SIZE_16 else _HEAD_64
    if room < head:
        return 0
    return head + mask + int.from_bytes(data[at + 2 : at + head], "big")


def whole_text(frame: bytes, *, masked: bool) -> bytes | None:
    """Return the text that a whole frame carries; None where it is another kind of frame, or `masked` is wrong."""
    if frame[0] != _WHOLE_TEXT or frame[1] & 0x7F == _SIZE_64 or bool(frame[1] & _MASKED) is not masked:
        return None
    head = 2 if frame[1] & 0x7F < _SIZE_16 else _HEAD_16
    if not masked:
        return frame[head:]
    return apply_mask(frame[head + _MASK :], frame[head : head + _MASK])


def text_frame(text: bytes, *, masked: bool) -> bytes:
    """Return the frame that carries a text; a client's is masked with fresh randomness (RFC 6455, 5.3)."""
    size, bit = len(text), _MASKED if masked else 0
    if size < _SIZE_16:
        head = bytes((_WHOLE_TEXT, bit | size))
    elif size < 2**16:
        head = bytes((_WHOLE_TEXT, bit | _SIZE_16)) + size.to_bytes(2, "big")
    else:
        head = bytes((_WHOLE_TEXT, bit | _SIZE_64)) + size.to_bytes(8, "big")
    if not masked:
        return head + text
    mask = token_bytes(_MASK)
    return head + mask + apply_mask(text, mask)
