"""One operation as it goes: its course's machine, fed by the station and by time, and whoever waits for news of it."""

import asyncio
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from reconciler.app.local_line import Listener, Payload, Then
from reconciler.app.ports import Clock
from reconciler.errors import FwdctlError, NotAvailable, OwnedElsewhere
from reconciler.local.csms import StationAnswer
from reconciler.local.operations.course import (
    Answered,
    Call,
    Command,
    Event,
    Finished,
    Lost,
    Machine,
    Progress,
    Refused,
    TimedOut,
)
from reconciler.model.operations import OperationRecord, ProgressLine, State

_PROGRESS_MAX: Final = 500
"""Lines kept of one operation; a report of a thousand parts tells the rest no more."""


class Line(Protocol):
    """The line between `local` and the stations."""

    def call(self, charger: str, action: str, payload: Payload, then: Then) -> None:
        """Send the station a CALL as `local`; `then` gets its answer, once and always."""

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of what stations send `local`."""


class Surroundings(msgspec.Struct, frozen=True):
    """What every run is given."""

    line: Line
    clock: Clock


class OperationRun:
    """Runs one operation. `record` is it as it stands, replaced at every step."""

    def __init__(self, record: OperationRecord, machine: Machine, around: Surroundings) -> None:
        self.record = record
        self.owner = ""
        """Who took the feature away, where somebody did."""
        self._machine = machine
        self._around = around
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._news = asyncio.Event()
        self._ended: OperationRecord | None = None

    @property
    def exit_code(self) -> int | None:
        """Return the exit code of a run that is done."""
        return exit_code_of(self.record)

    def tell(self, event: Event) -> None:
        """Let the machine know that something happened, soon."""
        self._inbox.put_nowait(event)

    async def go(self, commands: list[Command]) -> OperationRecord:
        """Carry `commands` out, and all that follows, until the operation is over; returns it as it then is.

        Nobody who follows learns of the end before `conclude`: it is in the journal first.
        """
        while self._ended is None:
            for command in commands:
                self._carry_out(command)
            if self._ended is None:
                commands = self._machine.handle(await self._next_event(), self._around.clock.monotonic_s())
        return self._ended

    def end(self, state: State, problem: str) -> OperationRecord:
        """End it from outside, for example because the server stops; returns it as it then is."""
        return self._ended or self._over(Finished(state, reason=problem))

    def conclude(self) -> None:
        """Let everybody who follows know that it is over."""
        assert self._ended is not None
        self.record = self._ended
        self._ring()

    async def wait_for_news(self, seen: int, wait_s: float) -> None:
        """Return once there are more than `seen` lines of progress or the run is done, at the latest after `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                while not self.record.done and len(self.record.progress) <= seen:
                    await self._news.wait()
        except TimeoutError:
            return  # no news is an answer too

    async def wait_done(self) -> OperationRecord:
        """Return the record once the operation is over."""
        while not self.record.done:
            await self._news.wait()
        return self.record

    async def _next_event(self) -> Event:
        due = self._machine.next_timer()
        if due is None:
            return await self._inbox.get()
        try:
            async with asyncio.timeout(max(0.0, due - self._around.clock.monotonic_s())):
                return await self._inbox.get()
        except TimeoutError:
            return TimedOut()

    def _carry_out(self, command: Command) -> None:
        match command:
            case Call(action, payload):
                self._around.line.call(self.record.charger, action, payload, self._answered)
            case Progress(text):
                if len(self.record.progress) < _PROGRESS_MAX:
                    line = ProgressLine(self._around.clock.now(), text)
                    self.record = replace(self.record, progress=(*self.record.progress, line))
                self._ring()
            case Finished():
                self._over(command)

    def _answered(self, answer: StationAnswer) -> None:
        self.tell(Refused(answer.error) if answer.payload is None else Answered(answer.payload))

    def _over(self, finished: Finished) -> OperationRecord:
        self._ended = replace(
            self.record,
            state=finished.state,
            result=None if finished.result is None else finished.result.model_dump(mode="json", exclude_defaults=True),
            problem=finished.reason,
            ended_at=self._around.clock.now(),
        )
        return self._ended

    def _ring(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def lost_to(run: OperationRun, owner: str) -> None:
    """Tell a run that its feature has another owner now."""
    run.owner = owner
    run.tell(Lost(owner))


def exit_code_of(record: OperationRecord) -> int | None:
    """Return the exit code that an operation deserves, None while it runs."""
    if not record.done:
        return None
    return 0 if record.state is State.SUCCEEDED else error_of(record).exit_code


def error_of(record: OperationRecord) -> FwdctlError:
    """Return the error that an operation which did not succeed is."""
    summary = f"{record.operation} on {record.charger}: {record.problem}"
    if record.state is State.TAKEN_AWAY:
        details = {"charger": record.charger, "operation": record.operation, "feature": record.feature}
        hint = f"the charging station may finish what it began; who is in charge: fwdctl explain {record.charger}"
        return OwnedElsewhere(summary, hint=hint, details=details)
    if record.state is State.INTERRUPTED:
        return NotAvailable(summary, hint=f"look what became of it, then repeat it: fwdctl op {record.charger}")
    return FwdctlError(summary, hint=f"what it said: fwdctl history --charger {record.charger} --kind operation")
