"""The journal keeps frames, calls and their order."""

import asyncio

import pytest

from reconciler.testing.recording import Journal, RecordedCall, RecordedConnection


def note(journal: Journal, identity: str, action: str) -> RecordedCall:
    frame = journal.note_frame(0, identity, "received", f'[2,"1","{action}",{{}}]'.encode())
    call = RecordedCall(frame, "1", action, {})
    journal.note_call(call)
    return call


async def test_wait_for_counts_from_where_it_is_told() -> None:
    journal = Journal()
    first, other, second = (note(journal, name, "Heartbeat") for name in ("A", "B", "A"))
    assert await journal.wait_for("Heartbeat") is first
    assert await journal.wait_for("Heartbeat", identity="B") is other
    assert await journal.wait_for("Heartbeat", identity="A", count=2) is second
    assert await journal.wait_for("Heartbeat", after=other.index) is second


async def test_wait_for_waits_for_what_has_not_come() -> None:
    journal = Journal()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(journal.wait_for("Reset"))
        await asyncio.sleep(0)
        note(journal, "A", "Heartbeat")
        expected = note(journal, "A", "Reset")
    assert waiting.result() is expected


async def test_wait_for_says_what_came_instead() -> None:
    journal = Journal()
    note(journal, "A", "Heartbeat")
    with pytest.raises(TimeoutError, match=r"Reset no\. 1 of any station; what came: Heartbeat"):
        await journal.wait_for("Reset", timeout_s=0.01)


def test_a_bounded_journal_forgets_the_oldest_and_keeps_counting() -> None:
    journal = Journal(keep=2)
    for action in ("One", "Two", "Three"):
        note(journal, "A", action)
    assert [(call.index, call.action) for call in journal.calls] == [(1, "Two"), (2, "Three")]


def test_an_answer_is_told_by_payload_or_code() -> None:
    call = note(Journal(), "A", "Reset")
    assert call.answered is None
    call.answer = b'[3,"1",{"status":"Accepted"}]'
    assert call.answered == {"status": "Accepted"}
    call.answer = b'[4,"1","NotSupported","",{}]'
    assert call.answered == "NotSupported"


def test_a_recorded_connection_shows_no_secret() -> None:
    secret = "Basic c2VjcmV0"
    record = RecordedConnection(0, "A", "/A", (), secret, (("Authorization", secret),))
    assert secret not in repr(record)
