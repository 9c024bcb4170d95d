"""Operations, on both engines: each step with its event, and what a killed process left."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.app.ports import HistoryFilter
from reconciler.model.history import HistoryEvent
from reconciler.model.operations import OperationRecord, ProgressLine, State

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
BEGUN = OperationRecord("a", "cp001", "reset", "provisioning", {"type": "soft"}, "eva", "visit", AT, holder="node")


def event(summary: str, at: datetime = AT) -> HistoryEvent:
    """Return an event of an operation."""
    return HistoryEvent(at, "operation", summary, charger="cp001")


async def test_each_step_replaces_the_last_and_its_event_stays(store: Any) -> None:
    await store.put_operation(BEGUN, event("begun"))
    over = replace(
        BEGUN,
        state=State.SUCCEEDED,
        result={"status": "Accepted", "odd": "\0é"},
        progress=(ProgressLine(AT, "accepted: it restarts"),),
        ended_at=AT + timedelta(minutes=1),
    )
    await store.put_operation(over, event("over"))
    assert await store.operation("a") == over
    assert await store.operation("b") is None
    told = await store.history(HistoryFilter(kind="operation"))
    assert [one.summary for one in told] == ["over", "begun"]


async def test_the_newest_come_first_of_one_charger_or_of_all(store: Any) -> None:
    for number, charger in enumerate(("cp001", "cp002", "cp001")):
        record = replace(BEGUN, id=str(number), charger=charger, started_at=AT + timedelta(seconds=number))
        await store.put_operation(record, event("begun"))
    assert [record.id for record in await store.operations(None, 10)] == ["2", "1", "0"]
    assert [record.id for record in await store.operations("cp001", 1)] == ["2"]


async def test_a_restart_ends_what_its_own_node_left(store: Any) -> None:
    await store.put_operation(BEGUN, event("begun"))
    await store.put_operation(replace(BEGUN, id="b", holder="another node"), event("begun"))
    await store.put_operation(replace(BEGUN, id="c", state=State.FAILED), event("begun"))
    (ended,) = await store.interrupt_operations("node", AT + timedelta(hours=1))
    assert (ended.id, ended.state, ended.problem) == ("a", State.INTERRUPTED, "the server stopped meanwhile")
    assert await store.operation("a") == ended
    assert (await store.operation("b")).state is State.RUNNING
    assert (await store.operation("c")).state is State.FAILED
    assert await store.interrupt_operations("node", AT + timedelta(hours=2)) == ()
    assert "interrupted" in (await store.history(HistoryFilter(kind="operation", limit=1)))[0].summary
