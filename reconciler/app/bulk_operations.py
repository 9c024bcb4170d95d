"""Use case bulk operations: one operation on many chargers, a few at a time, until too many of them failed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from reconciler.app.operation_run import error_of
from reconciler.app.operations import Operations
from reconciler.app.tasks import Background
from reconciler.errors import AppliedInPart, FwdctlError, OwnedElsewhere, UnknownAddress
from reconciler.local.operations.catalogue import operation_named
from reconciler.model.operations import OperationOrder, State

KEPT_RUNS: Final = 50
SKIPPED: Final = "skipped"
REFUSED: Final = "refused"


class BulkOrder(msgspec.Struct, frozen=True):
    """What is to be done, on which chargers, how many at once, and how many may fail before no more is begun."""

    chargers: Sequence[str]
    operation: str
    parameters: Mapping[str, Any]
    actor: str = ""
    reason: str = ""
    parallelism: int = 5
    max_failures: int = 0


class Member(msgspec.Struct, frozen=True):
    """What became of one charger: an operation's state, "refused" before it began, or "skipped"."""

    charger: str
    state: str
    operation_id: str = ""
    problem: str = ""


@dataclass(slots=True, eq=False)
class BulkRun:
    """A bulk run as it goes: `members` are those it is over with, in that order."""

    id: str
    order: BulkOrder
    members: list[Member] = field(default_factory=list)
    elsewhere: int = 0
    """How many were refused because another back-end owns the feature."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> bool:
        """Return True once every charger has its verdict."""
        return len(self.members) == len(self.order.chargers)

    @property
    def failures(self) -> int:
        """Return on how many chargers it did not succeed; those that were skipped don't count."""
        return sum(member.state not in (State.SUCCEEDED, SKIPPED) for member in self.members)

    @property
    def exit_code(self) -> int | None:
        """Return 0 where all succeeded, 9 where every one is another back-end's, else 7; None while it runs."""
        if not self.done:
            return None
        if self.failures == 0:
            return 0
        ours = any(member.state == State.SUCCEEDED for member in self.members)
        return OwnedElsewhere.exit_code if self.elsewhere == self.failures and not ours else AppliedInPart.exit_code

    def over(self, member: Member) -> None:
        """Note the verdict on one charger, and wake whoever waits for news."""
        self.members.append(member)
        self._news.set()
        self._news = asyncio.Event()

    async def wait_for_news(self, seen: int, wait_s: float) -> None:
        """Return once there are more than `seen` verdicts or it is done, at the latest after `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                while not self.done and len(self.members) <= seen:
                    await self._news.wait()
        except TimeoutError:
            return  # no news is an answer too


class BulkOperations:
    """Starts bulk runs and remembers the last of them; what they did is in the journal, an operation each."""

    def __init__(self, operations: Operations, background: Background, new_id: Callable[[], str]) -> None:
        self._operations = operations
        self._background = background
        self._new_id = new_id
        self._runs: dict[str, BulkRun] = {}

    async def meant(self, patterns: Sequence[str], select: Mapping[str, str]) -> list[str]:
        """See Operations.meant."""
        return await self._operations.meant(patterns, select)

    def start(self, order: BulkOrder) -> BulkRun:
        """Start an operation on `order.chargers`, which are names; it needs nobody to wait for it.

        Raises UnknownAddress for an operation that is not there, FwdctlError for parameters that are wrong.
        """
        operation_named(order.operation).read(order.parameters)
        run = BulkRun(self._new_id(), order)
        for old in [run_id for run_id, known in self._runs.items() if known.done][
            : max(0, len(self._runs) - KEPT_RUNS)
        ]:
            del self._runs[old]
        self._runs[run.id] = run
        self._background.start(self._carry_out(run), name=f"bulk operation {run.id}")
        return run

    def find(self, run_id: str) -> BulkRun:
        """Return a run; raises UnknownAddress where there is none of that id (any more)."""
        run = self._runs.get(run_id)
        if run is None:
            hint = "the server was restarted, or it is long ago: fwdctl history --kind operation"
            raise UnknownAddress(f"there is no bulk operation {run_id}", hint=hint)
        return run

    async def _carry_out(self, run: BulkRun) -> None:
        waiting = iter(run.order.chargers)

        async def work() -> None:
            for charger in waiting:
                if run.failures > run.order.max_failures:
                    run.over(Member(charger, SKIPPED, problem="too many failed before"))
                else:
                    run.over(await self._one(run, charger))

        workers = min(max(1, run.order.parallelism), len(run.order.chargers))
        await asyncio.gather(*(work() for _ in range(workers)))

    async def _one(self, run: BulkRun, charger: str) -> Member:
        order = run.order
        wanted = OperationOrder(charger, order.operation, order.parameters, order.actor, order.reason, run.id)
        try:
            operation = await self._operations.start(wanted)
        except FwdctlError as refused:
            run.elsewhere += isinstance(refused, OwnedElsewhere)
            return Member(charger, REFUSED, problem=refused.summary)
        record = await operation.wait_done()
        run.elsewhere += record.state is State.TAKEN_AWAY
        problem = "" if record.state is State.SUCCEEDED else error_of(record).summary
        return Member(charger, record.state.value, record.id, problem)
