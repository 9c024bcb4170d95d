"""History says what was ordered, in one line, and what came of it."""

from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.app.operation_events import begun, ended
from reconciler.model.operations import OperationRecord, State

AT = datetime(2026, 12, 1, tzinfo=UTC)
RECORD = OperationRecord("1", "cp001", "get-config", "provisioning", {"keys": ["A", "B"]}, "eva", "visit", AT)


def test_begin_and_end_are_told_in_a_line() -> None:
    assert begun(RECORD).summary == "get-config keys A, B: begun"
    over = replace(RECORD, state=State.FAILED, problem="the charging station left", ended_at=AT)
    event = ended(over)
    assert event.summary == "get-config keys A, B: failed (the charging station left)"
    assert (event.charger, event.actor, event.reason, event.details["state"]) == ("cp001", "eva", "visit", "failed")


def test_what_is_long_is_cut() -> None:
    assert len(begun(replace(RECORD, parameters={"data": "x" * 1000})).summary) < 80
