"""One live session: carries the core's commands out on real legs, and feeds it what happens on them.

The whole data path is `frame_received -> Session.handle -> _carry_out -> Leg.send`, in one call stack: no task, no
await, no database.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from reconciler.app.csms_connection import CsmsConnection
from reconciler.app.legs import Leg
from reconciler.app.local_line import LocalConnection
from reconciler.app.message_tap import Core
from reconciler.app.ports import Clock
from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.model.live import Ack, LiveCharger, Outcome, Refusal
from reconciler.relay import commands, events
from reconciler.relay.memory import SessionMemory
from reconciler.relay.session import Session

Connection = CsmsConnection | LocalConnection


class SessionOwner(Protocol):
    """Who a session belongs to, and who hears of what it can't do by itself."""

    def connect(self, session: "StationSession", leg: DesiredLeg) -> Connection:
        """Return a connection for a leg, not yet started."""

    def session_command(self, session: "StationSession", command: commands.Command) -> None:
        """Take a command that is not about frames: memory, notes, tokens, owners that changed."""

    def keep(self, session: "StationSession", seq: int, raw: bytes, then: Callable[[], None]) -> None:
        """Store an acknowledged call, then call `then`, which acknowledges it."""

    def commit(self, session: "StationSession", then: Callable[[], None]) -> None:
        """Store the charger's memory, then call `then`."""

    def session_ended(self, session: "StationSession", reason: str) -> None:
        """The station's socket is gone."""


@dataclass(slots=True)
class Wanted:
    """A generation that was asked for and has no outcome yet, and everybody who waits for it."""

    desired: DesiredCharger
    waiters: list["asyncio.Future[Outcome | None]"] = field(default_factory=list)


Told = tuple[tuple[object, ...], LiveCharger]
"""A charger's live state, and what else it was made from than the session's core."""


@dataclass(slots=True)
class Totals:
    """Frames forwarded, by one session or by all since the start; plain numbers, for a count must cost nothing."""

    up: int = 0
    down: int = 0


class StationSession:
    """Runs one `Session` over its legs; a LegSink to the station's leg."""

    __slots__ = (
        "_clock",
        "_ended",
        "_inbox",
        "_loop",
        "_owner",
        "_running",
        "_timer",
        "_timer_at",
        "_totals",
        "_wanted",
        "charger",
        "closing",
        "connections",
        "core",
        "desired",
        "frames",
        "opened_s",
        "station",
        "told",
        "version",
    )

    def __init__(
        self,
        station: Leg,
        version: str,
        generation: int,
        desired: DesiredCharger,
        memory: SessionMemory,
        owner: SessionOwner,
        clock: Clock,
        new_id: Callable[[], str],
        totals: Totals,
    ) -> None:
        self.charger = desired.name
        self.version = version
        self.station = station
        core = Session(version, generation, desired, memory, new_id)
        self.core: Core = core
        self.desired = core.begins
        """What runs now."""
        self.connections: dict[str, Connection] = {}
        self.closing: dict[str, Connection] = {}
        """Once ended: the connections that may still be closing."""
        self.frames = Totals()
        """Of this session alone."""
        self.told: Told | None = None
        """How it was last told to run, until anything happens: see `ChargerSlot.live`."""
        self.opened_s = clock.monotonic_s()
        self._owner = owner
        self._clock = clock
        self._totals = totals
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[events.Event] = deque()
        self._running = False
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._wanted: dict[int, Wanted] = {}

    def begin(self) -> None:
        """Start: open the legs."""
        self._running = True
        for command in self.core.open(self._clock.monotonic_s()):
            self._carry_out(command)
        self._running = False
        self._work()

    def want(self, generation: int, desired: DesiredCharger) -> "asyncio.Future[Outcome | None]":
        """Ask for a generation; the result is its outcome, None where the station left before it had one."""
        waiter: asyncio.Future[Outcome | None] = self._loop.create_future()
        wanted = self._wanted.get(generation)
        if wanted is not None:  # asked again while it is under way
            wanted.waiters.append(waiter)
        else:
            self._wanted[generation] = Wanted(desired, [waiter])
            self.feed(events.DesiredChanged(generation, desired))
        return waiter

    def end(self, reason: str) -> None:
        """End the session whatever the station's socket does: all its legs close (R12)."""
        if self._ended:
            return
        self._ended = True
        self.closing = {name: each for name, each in self.connections.items() if not each.gone.is_set()}
        self.feed(events.StationClosed(reason))
        if self._timer is not None:
            self._timer.cancel()
        for generation in list(self._wanted):
            self._settle(generation, None)

    # -- LegSink of the station's leg --------------------------------------------------------------------------

    def frame_received(self, frame: bytes) -> None:
        """Take a frame of the station."""
        self._totals.up += 1
        self.frames.up += 1
        self.feed(events.StationFrameReceived(frame))

    def leg_closed(self, code: int, reason: str) -> None:
        """The station's socket is gone."""
        why = f"{code} {reason}".rstrip()
        self.end(why)
        self._owner.session_ended(self, why)

    # -- the core ----------------------------------------------------------------------------------------------

    def feed(self, event: events.Event) -> None:
        """Tell the core what happened and carry out what it asks; events that this causes wait their turn."""
        self._inbox.append(event)
        if not self._running:
            self._work()

    def _work(self) -> None:
        self._running = True
        try:
            while self._inbox:
                event = self._inbox.popleft()
                for command in self.core.handle(event, self._clock.monotonic_s()):
                    self._carry_out(command)
        finally:
            self._running = False
            self.told = None
        self._arm()

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.SendToLeg(backend, frame):
                connection = self.connections.get(backend)
                if connection is not None:
                    connection.send(frame)
            case commands.SendToStation(frame, after_commit):
                self._totals.down += 1
                self.frames.down += 1
                if after_commit:
                    self._owner.commit(self, partial(self.station.send, frame))
                else:
                    self.station.send(frame)
            case commands.KeepCall(seq, raw, answer):
                self._owner.keep(self, seq, raw, partial(self.station.send, answer))
            case commands.OpenLeg(leg):
                connection = self.connections[leg.backend.name] = self._owner.connect(self, leg)
            case commands.CloseLeg(backend, reason):
                self.connections.pop(backend).stop(reason)
            case commands.RedialLeg(leg, _):
                self.connections[leg.backend.name].redial(leg)
            case commands.CloseStation(code, reason):
                self.station.close(code, reason)
            case _:
                self._report(command)

    def _report(self, command: commands.Command) -> None:
        if isinstance(command, commands.GenerationRuns):
            self._settle(command.generation, Ack(command.generation))
        elif isinstance(command, commands.GenerationRefused):
            self._settle(command.generation, Refusal(command.generation, command.reason))
        self._owner.session_command(self, command)

    def _settle(self, generation: int, outcome: Outcome | None) -> None:
        wanted = self._wanted.pop(generation, None)
        if wanted is None:
            return
        if isinstance(outcome, Ack):
            self.desired = wanted.desired
        for waiter in wanted.waiters:
            if not waiter.done():
                waiter.set_result(outcome)

    # -- time --------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Keep one timer; one that fires too early asks again and is cheaper than one moved at every frame."""
        wanted = self.core.next_timer()
        if wanted is None or (self._timer is not None and self._timer_at <= wanted):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = wanted
        self._timer = self._loop.call_later(max(0.0, wanted - self._clock.monotonic_s()), self._fire)

    def _fire(self) -> None:
        self._timer = None
        self.feed(events.TimerFired())
