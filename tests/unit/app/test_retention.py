"""Retention: what is old is forgotten in batches by the node on duty, what is not stays."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.app.duty import SoleDuty
from reconciler.app.retention import APPLIES_BATCH, BATCH, OPERATIONS_KEPT, Keep, Retention
from tests.support.clock import FakeClock

DAY_S = timedelta(days=1).total_seconds()
KEEP = Keep(history_s=9 * DAY_S, revisions_s=5 * DAY_S, revisions=7)


class Rows:
    """Implements `RetentionStore` over counts of rows that are old enough; `asked` is what was asked, in order."""

    def __init__(self, **old: int) -> None:
        self.old = old
        self.asked: list[tuple[object, ...]] = []

    async def retain_revisions(self, since: datetime, at_least: int) -> None:
        self.asked.append(("retain", since, at_least))

    async def forget_versions(self, at_most: int) -> int:
        return self._forget("versions", at_most)

    async def forget_revisions(self, at_most: int) -> int:
        return self._forget("revisions", at_most)

    async def forget_chargers(self, at_most: int) -> int:
        return self._forget("chargers", at_most)

    async def forget_interventions(self, before: datetime, at_most: int) -> int:
        return self._forget("interventions", at_most, before)

    async def forget_events(self, before: datetime, at_most: int) -> int:
        return self._forget("events", at_most, before)

    async def forget_rollouts(self, before: datetime, at_most: int) -> int:
        return self._forget("rollouts", at_most, before)

    async def forget_ended(self, before: datetime, operations_before: datetime, at_most: int) -> int:
        return self._forget("ended", at_most, before, operations_before)

    def _forget(self, what: str, at_most: int, *before: datetime) -> int:
        self.asked.append((what, *before))
        gone = min(at_most, self.old.get(what, 0))
        self.old[what] = self.old.get(what, 0) - gone
        return gone


class Duty(SoleDuty):
    """A duty that somebody else may have."""

    held = True  # type: ignore[misc]


def retention(store: Rows, clock: FakeClock, duty: SoleDuty | None = None, keep: Keep = KEEP) -> Retention:
    """Return one over these rows; what it reports fails the test."""

    def failed(what: str, error: BaseException) -> None:
        raise AssertionError(what) from error

    return Retention(store, clock, keep, duty or SoleDuty(), failed)


async def test_everything_goes_in_batches_each_by_its_own_span_and_revisions_before_what_they_hold() -> None:
    clock, store = FakeClock(), Rows(versions=BATCH + 1, rollouts=APPLIES_BATCH + 1, events=1)
    assert await retention(store, clock).forget() == BATCH + 1 + APPLIES_BATCH + 1 + 1
    span, history = (clock.now() - timedelta(days=days) for days in (5, 9))
    once = list(dict.fromkeys(store.asked))
    assert once == [
        ("retain", span, 7),
        ("versions",),
        ("revisions",),
        ("chargers",),
        ("interventions", span),
        ("events", history),
        ("rollouts", history),
        ("ended", history, clock.now() - OPERATIONS_KEPT),
    ]
    assert store.asked.count(("versions",)) == store.asked.count(("rollouts", history)) == 3
    assert await retention(store, clock).forget() == 0


async def test_a_node_that_does_not_act_forgets_nothing_and_one_that_is_relieved_stops() -> None:
    duty, store = Duty(), Rows(versions=3 * BATCH)
    duty.held = False
    assert await retention(store, FakeClock(), duty).forget() == 0
    assert store.asked == []

    class Relieved(Rows):
        async def forget_versions(self, at_most: int) -> int:
            duty.held = False
            return await super().forget_versions(at_most)

    duty.held, store = True, Relieved(versions=3 * BATCH, events=1)
    assert await retention(store, FakeClock(), duty).forget() == BATCH
    assert [what for what, *_ in store.asked] == ["retain", "versions"]


async def test_longer_than_there_is_a_calendar_is_for_ever() -> None:
    store = Rows()
    await retention(store, FakeClock(), keep=Keep(1e15, 1e15, 2)).forget()
    assert store.asked[0] == ("retain", datetime(1970, 1, 1, tzinfo=UTC), 2)


async def test_a_store_that_is_away_is_told_of_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Away(Rows):
        async def retain_revisions(self, since: datetime, at_least: int) -> None:
            raise OSError("the store is away")

    kept = Retention(Away(), FakeClock(), KEEP, SoleDuty(), lambda what, error: told.append(what))
    monkeypatch.setattr("reconciler.app.retention.FIRST_AFTER_S", 0.0)
    running = asyncio.get_running_loop().create_task(kept.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (told, running.done()) == (["retention"], False)
    running.cancel()
