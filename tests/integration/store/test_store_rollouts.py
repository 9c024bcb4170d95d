"""The journal of applies, on both engines: what is over is forgotten with its steps, what somebody waits for is not."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from reconciler.adapters.store import open_store
from reconciler.app.ports import ResourceWrite, RevisionMeta, RolloutCommit, Store
from reconciler.model.rollouts import PAUSED, SUPERSEDED, WAITING, Rollout, RolloutState, Step
from tests.support.store_process import EPOCH

LATER = EPOCH + timedelta(days=1)


async def an_apply(store: Store, id: str, state: RolloutState, step: str, charger: str) -> None:
    """Journal an apply of one charger that has come so far."""
    await store.begin_rollout(Rollout(id, "n1", "ann", EPOCH, plan_id=id))
    steps = (Step(charger, 0, step), Step(f"{charger}-b", 0, "applied"))
    write = ResourceWrite(f"charger.{charger}", {"id": id}, 0)
    meta = RevisionMeta(EPOCH, "ann", "", "", "", False)
    await store.commit_revision([write], meta, id, RolloutCommit(id, "ann", steps))
    if state is not RolloutState.OPEN:
        await store.end_rollout(id, "ann", state, {}, EPOCH + timedelta(minutes=1))


@pytest.fixture
async def journal(store: Store) -> Store:
    """Applies in every state."""
    await an_apply(store, "done", RolloutState.DONE, "applied", "cp001")
    await an_apply(store, "paused", RolloutState.DONE, PAUSED, "cp002")
    await an_apply(store, "stopped", RolloutState.STOPPED, WAITING, "cp003")
    await an_apply(store, "open", RolloutState.OPEN, WAITING, "cp004")
    await an_apply(store, "failed", RolloutState.DONE, "failed", "cp005")
    return store


async def test_what_is_over_is_forgotten_once_it_is_old_enough(journal: Store) -> None:
    assert await journal.forget_rollouts(EPOCH, 10) == 0
    assert await journal.forget_rollouts(LATER, 1) == 1
    assert await journal.forget_rollouts(LATER, 10) == 1
    assert await journal.forget_rollouts(LATER, 10) == 0
    kept = {id for id in ("done", "paused", "stopped", "open", "failed") if await journal.rollout(id) is not None}
    assert kept == {"paused", "stopped", "open"}
    assert await journal.rollout_steps("done") == ()
    assert len((await journal.interventions(LATER)).holds) == 3


async def test_who_is_released_is_held_no_more_and_what_is_over_stays_as_it_is(journal: Store) -> None:
    await journal.release_held(["cp002", "cp003", "cp005"])
    assert [hold.charger for hold in (await journal.interventions(LATER)).holds] == ["cp004"]
    assert [(await journal.rollout_steps(id))[0].state for id in ("paused", "stopped", "failed")] == [
        SUPERSEDED,
        SUPERSEDED,
        "failed",
    ]


async def test_what_was_applied_stays(journal: Store) -> None:
    before = await journal.revision()
    await journal.forget_rollouts(LATER, 10)
    assert await journal.revision() == before
    assert await journal.revision_meta(1) is not None


async def test_when_an_apply_ended_is_kept_until_somebody_goes_on_with_it(journal: Store) -> None:
    ends = {}
    for id in ("done", "stopped", "open"):
        rollout = await journal.rollout(id)
        assert rollout is not None
        ends[id] = rollout.ended_at
    assert ends == {"done": EPOCH + timedelta(minutes=1), "stopped": EPOCH + timedelta(minutes=1), "open": None}
    assert await journal.take_over_rollout("stopped", node="n2", holder="bob")
    taken = await journal.rollout("stopped")
    assert taken is not None
    assert taken.ended_at is None


async def test_chargers_whose_turn_is_to_come_are_found_by_their_index(tmp_path: Path) -> None:
    """Every look asks for them, and every commit: journals of years must not be read through for that."""
    store = await open_store(None, tmp_path)
    asked: set[str] = set()
    engine = store._database._writer.sync_engine
    event.listen(engine, "before_cursor_execute", lambda connection, cursor, statement, *rest: asked.add(statement))
    try:
        await an_apply(store, "stopped", RolloutState.STOPPED, WAITING, "cp001")
        await an_apply(store, "next", RolloutState.DONE, "applied", "cp002")
        await store.interventions(LATER)
        about = [one for one in asked if "WHERE rollout_steps.state IN" in one]
        assert len(about) == 2
        async with store._database.reading() as connection:
            for statement in about:
                steps = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
                assert "INDEX ix_rollout_steps_held" in " ".join(str(step) for step in steps), statement
    finally:
        await store.close()


async def test_a_later_apply_takes_over_only_the_chargers_that_it_touches(journal: Store) -> None:
    meta = RevisionMeta(EPOCH, "ann", "", "", "", False)
    await journal.begin_rollout(Rollout("later", "n1", "ann", EPOCH, plan_id="later"))
    steps = (Step("cp003", 1), Step("cp001", 1))
    await journal.commit_revision([], meta, "later", RolloutCommit("later", "ann", steps))
    states = {step.charger: step.state for step in await journal.rollout_steps("stopped")}
    assert states == {"cp003": SUPERSEDED, "cp003-b": "applied"}
    held = {(hold.charger, hold.rollout) for hold in (await journal.interventions(LATER)).holds}
    assert held == {("cp001", "later"), ("cp003", "later"), ("cp002", "paused"), ("cp004", "open")}
