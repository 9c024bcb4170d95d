"""Accepted applies: those whose id was given out and that have not begun, since a window or the lock is waited for.

They are rows like any other apply, so that every server of the database answers for them. Nobody takes them over: they
have changed nothing, so one whose server died is over.
"""

from collections.abc import Collection
from typing import Final

from reconciler.app.api_contract import error_to_json
from reconciler.app.apply_order import ApplyRequest
from reconciler.app.ports import Clock, Store
from reconciler.errors import FwdctlError, NotApplied
from reconciler.model.rollouts import Rollout, RolloutState

NOBODY: Final = ""
"""The holder of an apply that has not begun."""


class AcceptedApplies:
    """Those of all servers; `node` names this one, the same after a restart."""

    def __init__(self, store: Store, clock: Clock, node: str) -> None:
        self._store = store
        self._clock = clock
        self._node = node

    async def accept(self, request: ApplyRequest) -> None:
        """Write an apply down before its id is given out; one that changes nothing is over at once."""
        now, plan = self._clock.now(), request.plan
        order = {"actor": request.actor, "reason": request.reason}
        accepted = Rollout(
            request.id, self._node, NOBODY, now, order, plan_id=plan.plan_id, state=RolloutState.ACCEPTED
        )
        if plan.is_empty:
            accepted = Rollout(
                *(request.id, self._node, NOBODY, now, order),
                plan_id=plan.plan_id,
                state=RolloutState.DONE,
                revision=plan.base_revision or None,
                ended_at=now,
            )
        await self._store.begin_rollout(accepted)

    async def refuse(self, id: str, error: FwdctlError) -> None:
        """Write down why an apply did not begin; harmless where it has."""
        outcome = {"refused": error.summary, "error": error_to_json(error)["error"]}
        await self._store.end_rollout(id, NOBODY, RolloutState.REFUSED, outcome, self._clock.now())

    async def forsake(self) -> None:
        """End what an earlier process of this server had accepted; to be awaited before there can be any other."""
        await self._end({self._node})

    async def interrupt_others(self, alive: Collection[str]) -> None:
        """End what servers had accepted that are not `alive`."""
        waiting = await self._store.accepted_rollouts()
        await self._end({rollout.node for rollout in waiting} - {*alive, self._node})

    async def _end(self, nodes: Collection[str]) -> None:
        for rollout in await self._store.accepted_rollouts() if nodes else ():
            if rollout.node in nodes:
                why = "not applied: its server died before anything was changed"
                await self.refuse(rollout.id, NotApplied(why, hint="apply it again; a saved plan is not used up"))
