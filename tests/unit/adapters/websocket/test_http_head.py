"""HTTP heads: whole or not yet, never too large; and refusals that any client can read."""

import pytest

from reconciler.adapters.websocket.http_head import HeadTooLarge, refusal, split_head, status_of

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_head_is_split_from_what_follows() -> None:
    assert split_head(HEAD, 100) == (HEAD, b"")
    assert split_head(HEAD + b"\x81\x00\r\n\r\n", 100) == (HEAD, b"\x81\x00\r\n\r\n")


@pytest.mark.parametrize("size", range(len(HEAD)))
def test_a_part_of_a_head_is_not_whole_yet(size: int) -> None:
    assert split_head(HEAD[:size], len(HEAD)) is None


def test_the_limit_holds_for_whole_and_for_endless_heads() -> None:
    assert split_head(HEAD + b"much more that is no head", len(HEAD)) is not None
    with pytest.raises(HeadTooLarge):
        split_head(HEAD, len(HEAD) - 1)
    with pytest.raises(HeadTooLarge):
        split_head(b"x" * 101, 100)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\n", 101),
        (b"HTTP/1.0 503 \r\n", 503),
        (b"HTTP/1.1 404\r\n", 404),
        (b"HTTP/1.1 4040 x\r\n", None),
        (b"HTTP/2 200 OK\r\n", None),
        (b"", None),
    ],
)
def test_the_status_of_a_response(head: bytes, status: int | None) -> None:
    assert status_of(head) == status


def test_a_refusal_is_a_whole_response() -> None:
    head, _, body = refusal(503, "später", retry_after_s=5).partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert lines[0] == "HTTP/1.1 503 Service Unavailable"
    assert body == "später\n".encode()
    assert f"Content-Length: {len(body)}" in lines
    assert {"Connection: close", "Retry-After: 5"} <= set(lines)
    assert not any(line.startswith("WWW-Authenticate") for line in lines)


def test_only_a_401_asks_for_credentials() -> None:
    assert b'\r\nWWW-Authenticate: Basic realm="charging stations"\r\n' in refusal(401, "who are you")
