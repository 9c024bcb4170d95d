"""Courses: how an operation goes, as a generator, and the machine that runs one: `(event, now) -> commands`.

    course yields   Ask, Say, Listen          what it wants
    course is sent  Answered, Refused, Heard, Left, Fetched, Received, TimedOut    what happened
    course returns  its result, or raises Declined (the station said no) or Failed

What the station reports while an answer is awaited is kept and heard afterwards: a station may report
"Downloading" before it answers.
"""

from collections import deque
from collections.abc import Generator, Mapping
from typing import Any, Final, NoReturn

import msgspec

from reconciler.local.operations.model import Result
from reconciler.model.operations import State

Payload = Mapping[str, Any]
_KEPT_EVENTS: Final = 256
"""Events that wait for a course; the oldest go first."""


# -- what happened ---------------------------------------------------------------------------------------------


class Answered(msgspec.Struct, frozen=True):
    """The station's CALLRESULT to what was asked last."""

    payload: Payload


class Refused(msgspec.Struct, frozen=True):
    """A CALLERROR, or no answer at all, to what was asked last; `reason` is for people."""

    reason: str


class Heard(msgspec.Struct, frozen=True):
    """The station sent a CALL by itself."""

    action: str
    payload: Payload


class Left(msgspec.Struct, frozen=True):
    """The station's connection is gone."""


class Fetched(msgspec.Struct, frozen=True):
    """The station downloaded the whole of the job's file."""


class Received(msgspec.Struct, frozen=True):
    """The station uploaded a file for the job."""

    upload: str
    """The upload's id."""
    name: str
    size: int


class TimedOut(msgspec.Struct, frozen=True):
    """Nothing that was listened for came in time."""


class Lost(msgspec.Struct, frozen=True):
    """Another back-end owns the operation's feature now."""

    owner: str


Event = Answered | Refused | Heard | Left | Fetched | Received | TimedOut | Lost


# -- what a course wants ---------------------------------------------------------------------------------------


class Ask(msgspec.Struct, frozen=True):
    """Send the station a CALL; sent back: Answered, Refused."""

    action: str
    payload: Payload


class Say(msgspec.Struct, frozen=True):
    """Tell whoever follows how it goes; sent back: nothing."""

    text: str


class Listen(msgspec.Struct, frozen=True):
    """Wait for the next event; sent back: any but Answered and Refused, TimedOut after `within_s`."""

    within_s: float


Step = Ask | Say | Listen
Course = Generator[Step, Any, Result]


class Declined(Exception):
    """Raised by a course where the station said no."""


class Failed(Exception):
    """Raised by a course that can't reach its end."""


class BadOrder(Exception):
    """Raised by a course before its first step: what was ordered can't be said in the station's OCPP version."""


# -- what the machine asks of the world ------------------------------------------------------------------------


class Call(msgspec.Struct, frozen=True):
    """Send this CALL as `local`, and feed the machine its answer."""

    action: str
    payload: Payload


class Progress(msgspec.Struct, frozen=True):
    """A line of progress."""

    text: str


class Finished(msgspec.Struct, frozen=True):
    """The operation is over."""

    state: State
    result: Result | None = None
    reason: str = ""


Command = Call | Progress | Finished


class Machine:
    """Runs one course. After `Finished` it asks for nothing more."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._waiting: Ask | Listen | None = None
        self._deadline: float | None = None
        self._kept: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._out: list[Command] = []
        self._over = False

    def start(self, now: float) -> list[Command]:
        """Begin; call once, before `handle`. Raises BadOrder, then nothing has begun."""
        self._step(None, now)
        return self._take()

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event at `now` (monotonic seconds) and return what is to be done, in order."""
        if self._over:
            return []
        if isinstance(event, Lost):
            self._finish(Finished(State.TAKEN_AWAY, reason=f"{event.owner} owns the feature now"))
        elif isinstance(event, TimedOut):
            if self._deadline is not None and now >= self._deadline:
                self._step(event, now)
        elif isinstance(event, Answered | Refused):
            if isinstance(self._waiting, Ask):
                self._step(event, now)
        elif isinstance(self._waiting, Listen):
            self._step(event, now)
        else:
            self._kept.append(event)
        return self._take()

    def next_timer(self) -> float | None:
        """Return when TimedOut is due (monotonic seconds), or None. An early one does no harm."""
        return self._deadline

    def _take(self) -> list[Command]:
        out, self._out = self._out, []
        return out

    def _step(self, happened: Event | None, now: float) -> None:
        """Let the course go on until it has to wait."""
        self._waiting, self._deadline = None, None
        while True:
            try:
                step = self._course.send(happened)
            except StopIteration as end:
                self._finish(Finished(State.SUCCEEDED, end.value))
                return
            except Declined as no:
                self._finish(Finished(State.DECLINED, reason=str(no)))
                return
            except Failed as failed:
                self._finish(Finished(State.FAILED, reason=str(failed)))
                return
            happened = None
            if isinstance(step, Say):
                self._out.append(Progress(step.text))
                continue
            if isinstance(step, Listen) and self._kept:
                happened = self._kept.popleft()
                continue
            self._wait(step, now)
            return

    def _wait(self, step: Ask | Listen, now: float) -> None:
        self._waiting = step
        if isinstance(step, Ask):
            self._out.append(Call(step.action, step.payload))
        else:
            self._deadline = now + step.within_s

    def _finish(self, finished: Finished) -> None:
        self._over, self._waiting, self._deadline = True, None, None
        self._course.close()
        self._out.append(finished)


# -- what courses share ----------------------------------------------------------------------------------------


def ask(action: str, payload: Payload) -> Generator[Step, Any, Payload]:
    """Send a CALL and return the answer's payload; raises Failed where there is none."""
    happened = yield Ask(action, payload)
    if isinstance(happened, Refused):
        raise Failed(happened.reason)
    assert isinstance(happened, Answered)
    return happened.payload


def ask_for(action: str, payload: Payload, *good: str) -> Generator[Step, Any, Payload]:
    """Send a CALL and return the answer's payload; raises Declined where its `status` is none of `good`."""
    answer = yield from ask(action, payload)
    status = text(answer, "status")
    if status not in good:
        decline(action, answer)
    return answer


def decline(action: str, answer: Payload) -> NoReturn:
    """Raise Declined with what the station said, its 2.x reason included."""
    info = answer.get("statusInfo")
    said = text(answer, "status") or "no status"
    detail = ""
    if isinstance(info, Mapping):
        detail = " ".join(filter(None, (text(info, "reasonCode"), text(info, "additionalInfo"))))
    raise Declined(f"the charging station answered {action} with {said}" + (f": {detail}" if detail else ""))


def text(payload: Payload, name: str) -> str:
    """Return a text of a payload, "" where there is none."""
    value = payload.get(name)
    return value if isinstance(value, str) else ""
