"""Stops of applies that another server carries out: whoever asks any of them is heard at that one."""

import asyncio
from collections.abc import Collection
from typing import Final, Protocol

from reconciler.app.apply_runs import ApplyRuns
from reconciler.app.errands import Body, Errands, NobodyKnows, NotBegun
from reconciler.errors import FwdctlError
from reconciler.model.rollouts import Rollout

STOP_APPLY: Final = "stop-apply"
ANSWERED_WITHIN_S: Final = 10.0


class Node(Protocol):
    """What is known of the other servers."""

    def other_starts(self) -> Collection[str]:
        """Return the starts of other nodes that are alive."""


class ApplyStops:
    """Passes stops on by errands, and takes those of others for `runs`; `node` says who the others are."""

    def __init__(self, runs: ApplyRuns, errands: Errands, node: Node) -> None:
        self._runs = runs
        self._errands = errands
        self._node = node
        runs.stop_elsewhere = self.pass_on
        errands.on(STOP_APPLY, self._for_another)

    async def pass_on(self, rollout: Rollout, by: str) -> None:
        """Have the server that carries an apply out stop it; raises FwdctlError where it can't be told, or refuses."""
        start = next((one for one in self._node.other_starts() if one.rpartition("/")[0] == rollout.node), None)
        hint = f"see what becomes of it: fwdctl apply --follow {rollout.id}"
        if start is None:
            raise FwdctlError(f"server {rollout.node} carries out apply {rollout.id}, and is not there", hint=hint)
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                answer = await self._errands.ask(start, STOP_APPLY, {"apply": rollout.id, "by": by})
        except (NotBegun, NobodyKnows, TimeoutError) as outcome:
            why = str(outcome) or f"no answer within {ANSWERED_WITHIN_S:g} s"
            summary = f"server {rollout.node} was not told to stop apply {rollout.id}: {why}"
            raise FwdctlError(summary, hint=hint) from outcome
        if answer["refused"]:
            raise FwdctlError(answer["refused"], hint=hint)

    async def _for_another(self, body: Body) -> Body:
        try:
            await self._runs.stop(body["apply"], body["by"], here=True)
        except FwdctlError as error:
            return {"refused": error.summary}
        return {"refused": ""}
