"""Every input is either an envelope or a reason why it isn't one."""

import pytest

from reconciler.testing.frames import CALL, CALLERROR, CALLRESULT, SEND, Envelope, Unreadable, dump, parse


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'[2,"1","Heartbeat",{}]', Envelope(CALL, "1", "Heartbeat", {})),
        (b'[2,7,"Heartbeat",null]', Envelope(CALL, 7, "Heartbeat", None)),
        (b'[3,"1",{"a":1}]', Envelope(CALLRESULT, "1", "", {"a": 1})),
        (b'[4,"1","GenericError","why",{"x":2}]', Envelope(CALLERROR, "1", "", {"x": 2}, "GenericError", "why")),
        (b'[5,"1","FormatViolation","",{}]', Envelope(5, "1", "", {}, "FormatViolation")),
        (b'[6,"1","NotifyPeriodicEventStream",{}]', Envelope(SEND, "1", "NotifyPeriodicEventStream", {})),
        (b'[2,"1",{"h":1},"Reset-Signed",{}]', Envelope(CALL, "1", "Reset-Signed", {})),
    ],
)
def test_readable_frames(raw: bytes, expected: Envelope) -> None:
    assert parse(raw) == expected


@pytest.mark.parametrize(
    ("raw", "kind", "message_id"),
    [
        (b"", None, None),
        (b"\xff\xfe", None, None),
        (b"[" * 100_000, None, None),
        (b"{}", None, None),
        (b"[]", None, None),
        (b'[true,"1","Heartbeat",{}]', 0, None),
        (b'[99,"1","Heartbeat",{}]', 0, None),
        (b'["2","1","Heartbeat",{}]', 0, None),
        (b"[2]", CALL, None),
        (b'[2,"1"]', CALL, "1"),
        (b'[2,"1",{},{}]', CALL, "1"),
        (b'[2,"1","A",{},{}]', CALL, "1"),
        (b'[4,"1"]', CALLERROR, "1"),
    ],
)
def test_unreadable_frames_tell_what_could_be_read(raw: bytes, kind: int | None, message_id: object) -> None:
    found = parse(raw)
    assert isinstance(found, Unreadable)
    assert (found.kind, found.message_id) == (kind, message_id)


def test_frames_are_written_compactly_in_utf_8() -> None:
    assert dump(2, "1", "DataTransfer", {"data": "é"}) == '[2,"1","DataTransfer",{"data":"é"}]'.encode()
    assert dump(3, "\ud800", {}) == b'[3,"\\ud800",{}]'
