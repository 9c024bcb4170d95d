"""Rollouts: the journal of applies, fenced by whoever carries one out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    RowMapping,
    and_,
    bindparam,
    delete,
    literal_column,
    select,
    union,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.adapters.store.bulk import BulkInsert
from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.section import Section, in_lists
from reconciler.adapters.store.tables import rollout_steps, rollouts, row, upsert
from reconciler.app.ports import RolloutCommit
from reconciler.errors import LockHeld
from reconciler.model.rollouts import HELD, PAUSED, SUPERSEDED, UNFINISHED, Hold, Rollout, RolloutState, Step

_OF_A_STEP: Final = ("charger", "base", "state", "reason", "disruption", "canary")
"""The columns of a step, as `Step` has its fields."""
_STEPS: Final = BulkInsert(rollout_steps, ("rollout", *_OF_A_STEP))


class Rollouts(Section):
    """The applies that go on, or went on."""

    async def begin_rollout(self, rollout: Rollout) -> None:
        """Store an apply that is accepted, or begins; its steps come with the commit."""
        written = row(rollout, order=dict(rollout.order), outcome=dict(rollout.outcome), state=rollout.state.value)
        async with self._database.writing() as connection:
            await connection.execute(upsert(rollouts, connection.dialect), written)

    async def rollout(self, id: str) -> Rollout | None:
        """Return a rollout, None where there is none of that id."""
        async with self._database.reading() as connection:
            found = (await connection.execute(select(rollouts).where(rollouts.c.id == id))).mappings().one_or_none()
            return None if found is None else _rollout(found)

    async def accepted_rollouts(self) -> tuple[Rollout, ...]:
        """Return those that have not begun, oldest first."""
        return await self._rollouts_in(RolloutState.ACCEPTED)

    async def open_rollouts(self) -> tuple[Rollout, ...]:
        """Return those that somebody carries out, or has to take over, oldest first."""
        return await self._rollouts_in(RolloutState.OPEN)

    async def _rollouts_in(self, state: RolloutState) -> tuple[Rollout, ...]:
        asked = select(rollouts).where(rollouts.c.state == state.value).order_by(rollouts.c.started_at)
        async with self._database.reading() as connection:
            return tuple(map(_rollout, (await connection.execute(asked)).mappings()))

    async def take_over_rollout(self, id: str, *, node: str, holder: str) -> bool:
        """Make an open or stopped rollout `holder`'s, and open; False where it has ended."""
        going = (RolloutState.OPEN.value, RolloutState.STOPPED.value)
        mine = update(rollouts).where(rollouts.c.id == id, rollouts.c.state.in_(going))
        async with self._database.writing(Turn.RESOURCES) as connection:
            taken = mine.values(node=node, holder=holder, state=RolloutState.OPEN.value, ended_at=None)
            return (await connection.execute(taken)).rowcount == 1

    async def rollout_steps(self, id: str) -> tuple[Step, ...]:
        """Return its steps, by charger."""
        asked = select(*(rollout_steps.c[name] for name in _OF_A_STEP)).where(rollout_steps.c.rollout == id)
        async with self._database.reading() as connection:
            steps = [Step(*found) for found in await connection.execute(asked)]
        return tuple(sorted(steps, key=lambda step: step.charger))

    async def journal_steps(self, id: str, holder: str, steps: Sequence[Step]) -> None:
        """Write these steps of a rollout as they are now, the last of each charger; those superseded stay so.

        Raises LockHeld where the rollout is no longer `holder`'s.
        """
        if not steps:
            return
        columns = rollout_steps.c
        alike: dict[tuple[str, str], list[str]] = {}
        for step in {step.charger: step for step in steps}.values():
            alike.setdefault((step.state, step.reason), []).append(step.charger)
        async with self._database.writing(Turn.RESOURCES) as connection:
            await _fence(connection, id, holder)
            for (state, reason), chargers in alike.items():
                changed = update(rollout_steps).values(state=state, reason=reason)
                for some in in_lists(chargers):
                    await connection.execute(
                        changed.where(columns.rollout == id, columns.charger.in_(some), _is_one_of(UNFINISHED))
                    )

    async def release_held(self, chargers: Sequence[str]) -> None:
        """End the steps that hold these chargers back: they were resumed, or are to run what they run anyway."""
        columns = rollout_steps.c
        held = update(rollout_steps).where(columns.charger == bindparam("of"), _is_one_of(HELD))
        async with self._database.writing(Turn.RESOURCES) as connection:
            await connection.execute(
                held.values(state=SUPERSEDED, reason="released"), [{"of": charger} for charger in chargers]
            )

    async def end_rollout(
        self, id: str, holder: str, state: RolloutState, outcome: Mapping[str, Any], at: datetime
    ) -> None:
        """Store that it is over, or stopped, since `at`; harmless where it is no longer `holder`'s."""
        mine = update(rollouts).where(rollouts.c.id == id, rollouts.c.holder == holder)
        kept: dict[str, Any] = {} if state is RolloutState.STOPPED else {"plan": None}
        async with self._database.writing(Turn.RESOURCES) as connection:
            await connection.execute(mine.values(state=state.value, outcome=dict(outcome), ended_at=at, **kept))

    async def forget_rollouts(self, before: datetime, at_most: int) -> int:
        """Delete applies that are over and began before then, with their steps, at most so many; return how many.

        One that chargers still wait for is kept.
        """
        columns = rollouts.c
        held = select(rollout_steps.c.rollout).where(rollout_steps.c.rollout == columns.id, _is_one_of(HELD))
        over = select(columns.id).where(
            columns.started_at < before, columns.state != RolloutState.OPEN.value, ~held.exists()
        )
        oldest = over.order_by(columns.started_at).limit(at_most)
        async with self._database.writing(Turn.RESOURCES) as connection:
            return (await connection.execute(delete(rollouts).where(columns.id.in_(oldest)))).rowcount


async def write_steps(connection: AsyncConnection, rollout: RolloutCommit, revision: int) -> None:
    """Write the steps of a rollout that is committed as `revision`; in the transaction of that commit."""
    await _fence(connection, rollout.id, rollout.holder)
    await connection.execute(update(rollouts).where(rollouts.c.id == rollout.id).values(revision=revision))
    if not rollout.steps:
        return
    columns = rollout_steps.c
    touched = {step.charger for step in rollout.steps}
    held = await connection.scalars(select(columns.charger).where(_is_one_of(HELD)))
    if taken := [{"of": charger} for charger in held if charger in touched]:
        superseded = update(rollout_steps).where(columns.charger == bindparam("of"), _is_one_of(HELD))
        await connection.execute(superseded.values(state=SUPERSEDED, reason=f"by revision {revision}"), taken)
    rows = [
        (rollout.id, one.charger, one.base, one.state, one.reason, one.disruption, one.canary) for one in rollout.steps
    ]
    await _STEPS.write(connection, rows)


async def holds_of(connection: AsyncConnection) -> tuple[Hold, ...]:
    """Return the chargers whose turn has not come, of applies whose specs are committed, by charger."""
    columns = rollout_steps.c
    asked = (
        select(columns.charger, columns.base, columns.rollout, columns.state)
        .join(rollouts, and_(rollouts.c.id == columns.rollout, rollouts.c.revision.is_not(None)))
        .where(_is_one_of(HELD))
    )
    rows = await connection.execute(asked)
    holds = [Hold(charger, base, rollout, state == PAUSED) for charger, base, rollout, state in rows]
    return tuple(sorted(holds, key=lambda hold: hold.charger))


def held_bases() -> CompoundSelect[tuple[int]]:
    """Return the statement for the revisions by which chargers still run, or will again where an apply is resumed."""
    step, resumable = rollout_steps.c, rollouts.c.state.in_((RolloutState.OPEN.value, RolloutState.STOPPED.value))
    unfinished = select(step.base).join(rollouts, rollouts.c.id == step.rollout)
    return union(select(step.base).where(_is_one_of(HELD)), unfinished.where(resumable, _is_one_of(UNFINISHED)))


def _is_one_of(states: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition on a step's state, spelt out: with parameters the index on held steps would not be used."""
    return rollout_steps.c.state.in_([literal_column(f"'{state}'") for state in states])


async def _fence(connection: AsyncConnection, id: str, holder: str) -> None:
    """Raise LockHeld where the rollout is somebody else's by now; the row stays ours until the transaction ends."""
    owner = await connection.scalar(select(rollouts.c.holder).where(rollouts.c.id == id).with_for_update())
    if owner != holder:
        raise LockHeld(
            f"apply {id} was taken over by {owner}" if owner else f"apply {id} is not there any more",
            hint=f"see how it goes: fwdctl apply --follow {id}",
        )


def _rollout(found: RowMapping) -> Rollout:
    return Rollout(**{**found, "state": RolloutState(found["state"])})
