"""What a simulated end saw and said: frames byte for byte, CALLs, connections and broken rules, in order."""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.testing.waiting import Bell


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended. `asked_for`: by this end; code 1006 means that no closing handshake was seen."""

    code: int
    reason: str
    asked_for: bool = False


@dataclass(slots=True)
class RecordedConnection:
    """One handshake, refused or not, and what became of it."""

    index: int
    identity: str
    path: str
    offered: tuple[str, ...]
    authorization: str | None = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    status: int = 0
    """The HTTP status given in answer; 101 where the connection was opened, 0 while there is none."""
    subprotocol: str | None = None
    closed: Closed | None = None
    certificate_name: str | None = None
    """The CN of the client certificate that was shown, None where none was."""


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One text message as it was on the wire; `index` counts over all connections of this end, both directions."""

    index: int
    connection: int
    identity: str
    direction: Literal["received", "sent"]
    raw: bytes


@dataclass(slots=True)
class RecordedCall:
    """One CALL (or SEND) received. `answer` is the frame sent in return, None as long as there is none."""

    frame: RecordedFrame
    message_id: Any
    action: str
    payload: Any
    is_send: bool = False
    answer: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The frame as received."""
        return self.frame.raw

    @property
    def index(self) -> int:
        """The frame's place in the order of everything this end received and sent."""
        return self.frame.index

    @property
    def identity(self) -> str:
        """Whose connection it came over."""
        return self.frame.identity

    @property
    def answered(self) -> Any:
        """The payload of the CALLRESULT, or the code of the CALLERROR, that was sent; None without an answer."""
        return None if self.answer is None else json.loads(self.answer)[2]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of OCPP-J that the other end broke, and the frame that did it."""

    rule: str
    identity: str
    raw: bytes = b""


class Journal:
    """Everything recorded by one simulated end; `keep` bounds frames and calls to the latest, None keeps all."""

    def __init__(self, keep: int | None = None) -> None:
        self.bell = Bell()
        self.frames: deque[RecordedFrame] = deque(maxlen=keep)
        self.calls: deque[RecordedCall] = deque(maxlen=keep)
        self.connections: list[RecordedConnection] = []
        self.violations: list[Violation] = []
        self._next_index = 0

    def note_frame(
        self, connection: int, identity: str, direction: Literal["received", "sent"], raw: bytes
    ) -> RecordedFrame:
        """Record one frame and return the record."""
        frame = RecordedFrame(self._next_index, connection, identity, direction, raw)
        self._next_index += 1
        self.frames.append(frame)
        self.bell.ring()
        return frame

    def note_call(self, call: RecordedCall) -> None:
        """Record one CALL or SEND."""
        self.calls.append(call)
        self.bell.ring()

    def violate(self, rule: str, identity: str, raw: bytes = b"") -> None:
        """Record a broken rule."""
        self.violations.append(Violation(rule, identity, raw))
        self.bell.ring()

    def raw(self, direction: Literal["received", "sent"], identity: str | None = None) -> list[bytes]:
        """Return the frames of one direction, in order, as bytes."""
        return [f.raw for f in self.frames if f.direction == direction and identity in (None, f.identity)]

    def matching(self, action: str | None, identity: str | None = None, after: int = -1) -> list[RecordedCall]:
        """Return the recorded CALLs of an action (None: of any), later than the frame numbered `after`."""
        return list(_matching(self.calls, action, identity, after))

    async def wait_for(
        self, action: str, *, identity: str | None = None, after: int = -1, count: int = 1, timeout_s: float = 5.0
    ) -> RecordedCall:
        """Return the `count`th CALL of `action`, waiting for it where it has not come yet.

        Only CALLs later than the frame numbered `after` are counted. Raises TimeoutError, which says what came
        instead.
        """

        def look() -> RecordedCall | None:
            found = self.matching(action, identity, after)
            return found[count - 1] if len(found) >= count else None

        def describe() -> str:
            seen = ", ".join(call.action for call in self.matching(None, identity, after)) or "nothing"
            return f"{action} no. {count} of {identity or 'any station'}; what came: {seen}"

        return await self.bell.until(look, timeout_s, describe)


def _matching(
    calls: Iterable[RecordedCall], action: str | None, identity: str | None, after: int
) -> Iterable[RecordedCall]:
    return (
        call
        for call in calls
        if action in (None, call.action) and identity in (None, call.identity) and call.index > after
    )
