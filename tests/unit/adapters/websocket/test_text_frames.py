"""One whole text in one frame: read and written as websockets does it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from reconciler.adapters.websocket.text_frames import frame_size, text_frame, whole_text

SIZES = (0, 1, 125, 126, 127, 319, 2**16 - 1, 2**16, 2**16 + 1)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_the_size_of_a_frame_is_read_off_its_head(size: int, masked: bool) -> None:
    frame = Frame(Opcode.TEXT, b"x" * size).serialize(mask=masked)
    assert frame_size(frame, 0) == len(frame)
    assert frame_size(b"before" + frame + b"behind", len(b"before")) == len(frame)


@pytest.mark.parametrize("size", SIZES)
def test_an_incomplete_head_has_no_size_yet(size: int) -> None:
    frame = Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)
    head = len(frame) - size
    assert [frame_size(frame[:length], 0) for length in range(head)] == [0] * head


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_for_a_client_to_read_is_what_websockets_writes(size: int) -> None:
    text = b"y" * size
    assert text_frame(text, masked=False) == Frame(Opcode.TEXT, text).serialize(mask=False)


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_what_is_written_is_read_again(text: bytes, masked: bool) -> None:
    frame = text_frame(text, masked=masked)
    assert whole_text(frame, masked=masked) == text
    assert frame_size(frame, 0) == len(frame)


def test_every_masked_frame_has_a_mask_of_its_own() -> None:
    assert len({text_frame(b"the same", masked=True)[2:6] for _ in range(100)}) > 1


@pytest.mark.parametrize(
    "frame",
    [
        Frame(Opcode.TEXT, b"part", fin=False).serialize(mask=False),
        bytes((0xC1, 8)) + b"deflated",
        Frame(Opcode.CONT, b"rest").serialize(mask=False),
        Frame(Opcode.BINARY, b"binary").serialize(mask=False),
        Frame(Opcode.PING, b"ping").serialize(mask=False),
        Frame(Opcode.TEXT, b"a client's").serialize(mask=True),
        Frame(Opcode.TEXT, b"long" * 2**14).serialize(mask=False),
    ],
    ids=["a fragment", "deflated", "the rest", "binary", "ping", "masked", "long"],
)
def test_every_other_frame_is_left_to_websockets(frame: bytes) -> None:
    assert whole_text(frame, masked=False) is None


def test_a_frame_without_its_mask_is_left_to_websockets() -> None:
    assert whole_text(Frame(Opcode.TEXT, b"open").serialize(mask=False), masked=True) is None
