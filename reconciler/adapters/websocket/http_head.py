"""The HTTP of an opening handshake: its head in one piece, and an answer that refuses."""

import re
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

_END: Final = b"\r\n\r\n"
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r\n)")


class HeadTooLarge(ValueError):
    """Raised when a head does not end within its limit."""


def split_head(received: bytes, max_bytes: int) -> tuple[bytes, bytes] | None:
    """Return the head with its empty line, and what came after it; None while it isn't whole.

    Raises HeadTooLarge where it is, or already must be, larger than `max_bytes`.
    """
    end = received.find(_END)
    size = len(received) if end < 0 else end + len(_END)
    if size > max_bytes:
        raise HeadTooLarge(f"HTTP head of more than {max_bytes} bytes")
    return None if end < 0 else (received[:size], received[size:])


def status_of(head: bytes) -> int | None:
    """Return the status of a response's head, None where it is no HTTP/1 response."""
    match = _STATUS_LINE.match(head)
    return None if match is None else int(match[1])


def phrase_of(status: int) -> str:
    """Return "404 Not Found" for 404, and "599 Unknown" for a status without a name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def refusal(status: int, reason: str, retry_after_s: int | None = None) -> bytes:
    """Return a whole HTTP response that refuses a handshake, `reason` as its body; a 401 asks for Basic."""
    body = f"{reason}\n".encode()
    lines = [
        f"HTTP/1.1 {phrase_of(status)}",
        f"Date: {formatdate(usegmt=True)}",
        "Connection: close",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
    ]
    if status == HTTPStatus.UNAUTHORIZED:
        lines.append('WWW-Authenticate: Basic realm="charging stations"')
    if retry_after_s is not None:
        lines.append(f"Retry-After: {retry_after_s}")
    return "\r\n".join(lines).encode("ascii") + _END + body
