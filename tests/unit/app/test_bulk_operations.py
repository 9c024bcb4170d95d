"""Bulk runs: a few at a time, stopped past the failures that are allowed, every charger with its verdict."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.app.bulk_operations import BulkOperations, BulkOrder, BulkRun, Member
from reconciler.app.tasks import Background
from reconciler.errors import FwdctlError, NotAvailable, OwnedElsewhere, UnknownAddress
from reconciler.model.operations import OperationOrder, OperationRecord, State

AT = datetime(2026, 12, 1, tzinfo=UTC)
FIVE = ("cp1", "cp2", "cp3", "cp4", "cp5")


class Over:
    """An operation that is over."""

    def __init__(self, order: OperationOrder, state: str) -> None:
        self._record = OperationRecord(
            "o", order.charger, order.operation, "f", {}, "", "", AT, batch=order.batch, state=State(state)
        )

    async def wait_done(self) -> OperationRecord:
        """Return it."""
        return self._record


class Started:
    """Operations that end as a test says, by charger."""

    def __init__(self, outcomes: dict[str, Any]) -> None:
        self.outcomes = outcomes
        self.running = self.most = 0

    async def start(self, order: OperationOrder) -> Any:
        """Raise what is to be raised, or return one that is over."""
        outcome = self.outcomes.get(order.charger)
        if isinstance(outcome, FwdctlError):
            raise outcome
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return Over(order, outcome or "succeeded")


async def run_of(outcomes: dict[str, Any], **order: Any) -> tuple[BulkRun, Started]:
    """Return a bulk run over five chargers once it is done."""
    started: Any = Started(outcomes)
    bulk = BulkOperations(started, Background(lambda what, error: None), lambda: "b")
    run = bulk.start(BulkOrder(FIVE, "unlock", {}, **order))
    while not run.done:
        await run.wait_for_news(len(run.members), 5)
    assert bulk.find("b") is run
    return run, started


async def test_all_of_them_a_few_at_a_time() -> None:
    run, started = await run_of({}, parallelism=2)
    assert (run.exit_code, run.failures, started.most) == (0, 0, 2)
    assert sorted(member.charger for member in run.members) == list(FIVE)


async def test_it_stops_past_the_failures_that_are_allowed() -> None:
    run, _ = await run_of({"cp2": "failed"}, parallelism=1)
    assert [member.state for member in run.members] == ["succeeded", "failed", "skipped", "skipped", "skipped"]
    assert run.exit_code == 7
    run, _ = await run_of({"cp2": "failed", "cp3": NotAvailable("cp3 is offline")}, parallelism=1, max_failures=2)
    assert run.members[2] == Member("cp3", "refused", problem="cp3 is offline")
    assert [member.state for member in run.members][3:] == ["succeeded", "succeeded"]


async def test_where_all_are_another_back_ends_it_says_so() -> None:
    run, _ = await run_of(dict.fromkeys(FIVE, OwnedElsewhere("partner-pay owns it")), max_failures=9)
    assert (run.exit_code, run.elsewhere) == (9, 5)


async def test_what_is_wrong_begins_nothing() -> None:
    started: Any = Started({})
    bulk = BulkOperations(started, Background(lambda what, error: None), lambda: "b")
    with pytest.raises(UnknownAddress):
        bulk.start(BulkOrder(FIVE, "reboot", {}))
    with pytest.raises(FwdctlError, match="no parameter kind"):
        bulk.start(BulkOrder(FIVE, "reset", {"kind": "x"}))
    with pytest.raises(UnknownAddress):
        bulk.find("b")
