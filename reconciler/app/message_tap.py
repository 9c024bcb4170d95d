"""The message tap: what passes between a charger and its back-ends, for somebody who watches, while they watch.

A session's core is replaced by one that tells of what goes in and out, and put back once nobody watches any more. So a
frame costs nothing more than before where nobody does, and a watcher can't slow a frame down: what they don't take in
time is counted and dropped.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import msgspec

from reconciler.app.frame_redaction import shown
from reconciler.app.ports import Clock
from reconciler.errors import FwdctlError
from reconciler.relay import commands, events
from reconciler.relay.envelope import Frame, Kind, read_frame
from reconciler.relay.state import SessionState

WATCHES_MAX: Final = 20
WAITING_MAX: Final = 200
"""Messages kept for a watcher that is slow; older ones are dropped."""
CALLS_REMEMBERED: Final = 500
STATION: Final = "charger"

_KINDS: Final = {
    Kind.CALL: "call",
    Kind.SEND: "send",
    Kind.CALLRESULT: "answer",
    Kind.CALLERROR: "error",
    Kind.CALLRESULTERROR: "error",
}


class Core(Protocol):
    """What a session asks of its core."""

    @property
    def state(self) -> SessionState:
        """What the session runs now."""

    def open(self, now: float) -> list[commands.Command]:
        """Begin."""

    def handle(self, event: events.Event, now: float) -> list[commands.Command]:
        """Take one event."""

    def next_timer(self) -> float | None:
        """Return when a timer is due."""


class Tapped(Protocol):
    """A session whose core can be replaced."""

    core: Core


class Slot(Protocol):
    """A charger, and the session that it has now."""

    @property
    def session(self) -> Tapped | None:
        """Return its session, None while it has none."""


class Message(msgspec.Struct, frozen=True):
    """One message as a person may read it: what passed between the relay and `peer` (STATION or a back-end).

    `from_charger` tells whether it goes from the charger towards back-ends or the other way; `kind` is call, answer,
    error, send or unreadable; `payload` is redacted JSON.
    """

    at: datetime
    peer: str
    from_charger: bool
    kind: str
    action: str
    id: str
    payload: str


class Wanted(msgspec.Struct, frozen=True):
    """What a watcher wants to see; "" for all: an action, a peer (STATION or a back-end), up or down."""

    action: str = ""
    peer: str = ""
    direction: str = ""

    def takes(self, message: Message) -> bool:
        """Tell whether a message is wanted."""
        return (
            (not self.action or self.action.casefold() in message.action.casefold())
            and (not self.peer or self.peer == message.peer)
            and (not self.direction or (self.direction == "up") == message.from_charger)
        )


@dataclass(eq=False, slots=True)
class Watch:
    """One watcher's window: the newest messages that were not taken yet."""

    charger: str
    wanted: Wanted
    dropped: int = 0
    _waiting: deque[Message] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, message: Message) -> None:
        """Keep a message, in place of the oldest where there are too many."""
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._news.set()

    async def take(self, wait_s: float) -> tuple[list[Message], int]:
        """Return what came since the last time, at the latest after `wait_s`, and how many were dropped."""
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            pass  # nothing is an answer too
        self._news.clear()
        found, dropped = list(self._waiting), self.dropped
        self._waiting.clear()
        self.dropped = 0
        return found, dropped


class Tap(Protocol):
    """Lets people watch messages."""

    def watch(self, charger: str, wanted: Wanted) -> AbstractContextManager[Watch]:
        """Watch a charger for the block, over reconnections; raises FwdctlError where too many watch."""


class MessageTap:
    """All watches of this process; `slots` are its chargers, as they come and go."""

    def __init__(self, slots: Mapping[str, Slot], clock: Clock) -> None:
        self._slots = slots
        self._clock = clock
        self._watches: dict[str, list[Watch]] = {}

    @contextmanager
    def watch(self, charger: str, wanted: Wanted) -> Iterator[Watch]:
        """Watch a charger for the block, over reconnections; raises FwdctlError where too many watch."""
        if sum(map(len, self._watches.values())) >= WATCHES_MAX:
            raise FwdctlError(f"{WATCHES_MAX} people watch messages already", hint="try again when one of them is done")
        watch = Watch(charger, wanted)
        self._watches.setdefault(charger, []).append(watch)
        session = self._session_of(charger)
        if session is not None:
            self.began(charger, session)
        try:
            yield watch
        finally:
            self._watches[charger].remove(watch)
            if not self._watches[charger]:
                del self._watches[charger]
                self._untap(charger)

    def began(self, charger: str, session: Tapped) -> None:
        """Tap a session that began, where somebody watches its charger."""
        watches = self._watches.get(charger)
        if watches and not isinstance(session.core, _Tap):
            session.core = _Tap(session.core, watches, self._clock)

    def _session_of(self, charger: str) -> Tapped | None:
        slot = self._slots.get(charger)
        return slot.session if slot is not None else None

    def _untap(self, charger: str) -> None:
        session = self._session_of(charger)
        if session is not None and isinstance(session.core, _Tap):
            session.core = session.core.behind


class _Tap:
    """A session's core that tells watchers of every frame; it never raises, and changes nothing."""

    def __init__(self, behind: Core, watches: list[Watch], clock: Clock) -> None:
        self.behind = behind
        self._watches = watches
        self._clock = clock
        self._calls: dict[tuple[str, bool, str], str] = {}
        """(peer, asked by the charger's side, message id) -> action, to name answers by."""

    @property
    def state(self) -> SessionState:
        return self.behind.state

    def open(self, now: float) -> list[commands.Command]:
        return self._told(self.behind.open(now))

    def next_timer(self) -> float | None:
        return self.behind.next_timer()

    def handle(self, event: events.Event, now: float) -> list[commands.Command]:
        if isinstance(event, events.StationFrameReceived):
            self._tell(STATION, event.raw, from_charger=True)
        elif isinstance(event, events.LegFrameReceived):
            self._tell(event.backend, event.raw, from_charger=False)
        return self._told(self.behind.handle(event, now))

    def _told(self, asked: list[commands.Command]) -> list[commands.Command]:
        for command in asked:
            if isinstance(command, commands.SendToStation):
                self._tell(STATION, command.frame, from_charger=False)
            elif isinstance(command, commands.SendToLeg):
                self._tell(command.backend, command.frame, from_charger=True)
            elif isinstance(command, commands.KeepCall):
                self._tell(STATION, command.answer, from_charger=False)
        return asked

    def _tell(self, peer: str, raw: bytes, *, from_charger: bool) -> None:
        try:
            message = self._read(peer, raw, from_charger)
        except Exception as error:  # noqa: BLE001 - whatever is odd about a frame to show, it has to pass
            why = f"({len(raw)} bytes that can't be shown: {type(error).__name__}, a bug of fwdctl)"
            message = Message(self._clock.now(), peer, from_charger, "unreadable", "", "", why)
        for watch in self._watches:
            if watch.wanted.takes(message):
                watch.offer(message)

    def _read(self, peer: str, raw: bytes, from_charger: bool) -> Message:
        now, frame = self._clock.now(), read_frame(raw)
        if not isinstance(frame, Frame):
            return Message(now, peer, from_charger, "unreadable", "", "", f"({len(raw)} bytes)")
        kind, action = _KINDS[frame.kind], frame.action
        if frame.kind in (Kind.CALL, Kind.SEND):
            self._calls[peer, from_charger, frame.id] = action
            if len(self._calls) > CALLS_REMEMBERED:
                del self._calls[next(iter(self._calls))]
            payload = shown(bytes(frame.payload))
        else:
            action = self._calls.pop((peer, not from_charger, frame.id), "")
            payload = shown(bytes(frame.payload)) if kind == "answer" else _error(raw)
        return Message(now, peer, from_charger, kind, action, frame.id, payload)


def _error(raw: bytes) -> str:
    """Return code and text of an error frame."""
    return shown(raw).strip("[]")
