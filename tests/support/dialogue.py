"""A player for dialogues with one session: what the ends say, and what the relay must send; virtual time."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TypeVar

from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LegPhase
from reconciler.relay import commands, events
from reconciler.relay.limits import SessionLimits
from reconciler.relay.memory import SessionMemory
from reconciler.relay.session import Session

Frames = str | bytes | Sequence[str | bytes]
_C = TypeVar("_C")

BOOTS = {
    "ocpp1.6": '{"chargePointVendor":"Volt","chargePointModel":"M1"}',
    "ocpp2.0.1": '{"reason":"PowerUp","chargingStation":{"vendorName":"Volt","model":"M1"}}',
    "ocpp2.1": '{"reason":"PowerUp","chargingStation":{"vendorName":"Volt","model":"M1"}}',
}


class Dialogue:
    """One session and everybody around it. Message ids of the relay's own are "r1", "r2", ...

    Every frame that the relay sends must be expected, in order, before the next `expect`. All else that it asks
    for is kept until `took` fetches it.
    """

    def __init__(
        self,
        desired: DesiredCharger,
        version: str = "ocpp1.6",
        *,
        memory: SessionMemory | None = None,
        limits: SessionLimits | None = None,
    ) -> None:
        self.now = 1000.0
        self.memory = memory if memory is not None else SessionMemory()
        self.version = version
        self._prefix, self._numbers = "r", itertools.count(1)
        self._generations = itertools.count(2)
        self._to_station: list[bytes] = []
        self._to_legs: dict[str, list[bytes]] = {}
        self._asides: list[commands.Command] = []
        self._lines: list[str] = []
        self.session = Session(version, 1, desired, self.memory, self._new_id, limits)
        self._take(self.session.open(self.now))

    def _new_id(self) -> str:
        return f"{self._prefix}{next(self._numbers)}"

    # -- what happens ------------------------------------------------------------------------------------------

    def station_sends(self, *frames: str | bytes) -> None:
        """The station sends text messages."""
        for frame in frames:
            self.happens(events.StationFrameReceived(_bytes(frame)))

    def csms_sends(self, backend: str, *frames: str | bytes) -> None:
        """A back-end sends text messages."""
        for frame in frames:
            self.happens(events.LegFrameReceived(backend, _bytes(frame)))

    def csms_connects(self, *backends: str) -> None:
        """The legs to these back-ends are open."""
        for name in backends:
            self.happens(events.LegOpened(name))

    def csms_drops(self, backend: str) -> None:
        """A back-end's connection is lost."""
        self.happens(events.LegClosed(backend, "1006 lost"))

    def csms_is_unreachable(self, backend: str) -> None:
        """A dial failed."""
        self.happens(events.LegDialFailed(backend, "refused"))

    def station_leaves(self) -> None:
        """The station's connection is gone."""
        self.happens(events.StationClosed("1001 bye"))

    def wants(self, desired: DesiredCharger) -> int:
        """The controller wants other roles; returns the generation."""
        generation = next(self._generations)
        self.happens(events.DesiredChanged(generation, desired))
        return generation

    def flips(self, desired: DesiredCharger) -> int:
        """The same between registered back-ends: everybody who gains answers the Heartbeat that proves it."""
        prefix, numbers = self._prefix, self._numbers
        self._prefix, self._numbers = "p", itertools.count(1)
        before = {name: len(frames) for name, frames in self._to_legs.items()}
        generation = self.wants(desired)
        self._prefix, self._numbers = prefix, numbers
        for name, frames in list(self._to_legs.items()):
            for frame in [frame for frame in frames[before.get(name, 0) :] if b'"Heartbeat"' in frame]:
                frames.remove(frame)
                self.csms_sends(name, b"[3,%b,{}]" % frame.split(b",")[1])
        return generation

    def waits(self, seconds: float) -> None:
        """Time passes; timers fire when they are due."""
        until, at_once = self.now + seconds, 0
        while (due := self.session.next_timer()) is not None and due <= until:
            at_once = 0 if due > self.now else at_once + 1
            assert at_once < 100, f"the timer spins\n{self.transcript()}"
            self.now = max(self.now, due)
            self.happens(events.TimerFired())
        self.now = until

    def happens(self, event: events.Event) -> None:
        """Tell the session and gather what it asks for."""
        self._lines.append(f"{self.now:9.2f}  {_event_line(event)}")
        self._take(self.session.handle(event, self.now))

    def begins(self, interval_s: float = 300, *, statuses: Sequence[str] = ()) -> None:
        """The usual start: every leg connects, the station boots, everybody accepts; ids then start at "r1"."""
        self._prefix = "b"
        names = list(self.session.state.legs)
        self.csms_connects(*names)
        self.station_sends(f'[2,"boot","BootNotification",{BOOTS[self.version]}]')
        accepted = f'{{"currentTime":"2026-01-01T00:00:00Z","interval":{interval_s:g},"status":"Accepted"}}'
        for name in names:
            (sent,) = self._to_legs.pop(name)
            self.csms_sends(name, f"[3,{sent.split(b',')[1].decode()},{accepted}]")
        assert all(self.phase(name) is LegPhase.REGISTERED for name in names), self.transcript()
        self._to_station.clear()
        self._to_legs.clear()
        self._asides.clear()
        self._prefix, self._numbers = "r", itertools.count(1)

    # -- what must follow --------------------------------------------------------------------------------------

    def expect(self, to_station: Frames = (), to: Mapping[str, Frames] | None = None) -> None:
        """Require exactly these frames since the last `expect`; without arguments, none at all."""
        wanted = {name: _frames(frames) for name, frames in (to or {}).items() if _frames(frames)}
        sent_to_station, self._to_station = self._to_station, []
        sent_to_legs, self._to_legs = self._to_legs, {}
        assert sent_to_station == _frames(to_station), self._mismatch("the station", sent_to_station, to_station)
        for name in {**wanted, **sent_to_legs}:
            got, expected = sent_to_legs.get(name, []), wanted.get(name, [])
            assert got == expected, self._mismatch(name, got, expected)

    def took(self, kind: type[_C]) -> list[_C]:
        """Return, and forget, the commands of this kind so far."""
        found: list[_C] = [command for command in self._asides if isinstance(command, kind)]
        self._asides = [command for command in self._asides if not isinstance(command, kind)]
        return found

    def notes(self) -> list[str]:
        """Return, and forget, what was noted: "what backend"."""
        return [f"{note.what} {note.backend}".strip() for note in self.took(commands.Note)]

    def phase(self, backend: str) -> LegPhase:
        """Return where a leg stands."""
        return self.session.state.legs[backend].phase

    def transcript(self) -> str:
        """Return the whole dialogue so far."""
        return "\n".join(["the dialogue so far:", *self._lines])

    def _mismatch(self, who: str, got: Sequence[bytes], expected: Frames) -> str:
        lines = [f"to {who}:"]
        lines += [f"  expected {frame!r}" for frame in _frames(expected)] or ["  expected nothing"]
        lines += [f"  got      {frame!r}" for frame in got] or ["  got      nothing"]
        return "\n".join([*lines, self.transcript()])

    def _take(self, given: Sequence[commands.Command]) -> None:
        for command in given:
            match command:
                case commands.SendToStation(frame):
                    self._to_station.append(frame)
                case commands.SendToLeg(backend, frame):
                    self._to_legs.setdefault(backend, []).append(frame)
                case _:
                    self._asides.append(command)
            self._lines.append(f"{'':9}    {_command_line(command)}")


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame


def _frames(frames: Frames) -> list[bytes]:
    return [_bytes(frames)] if isinstance(frames, str | bytes) else [_bytes(frame) for frame in frames]


def _event_line(event: events.Event) -> str:
    match event:
        case events.StationFrameReceived(raw):
            return f"station sends  {raw.decode(errors='replace')}"
        case events.LegFrameReceived(backend, raw):
            return f"{backend} sends  {raw.decode(errors='replace')}"
        case events.DesiredChanged(generation, desired):
            return f"wanted: generation {generation}, " + ", ".join(
                f"{x.backend.name} {x.role.name}" for x in desired.legs
            )
        case _:
            return str(event)


def _command_line(command: commands.Command) -> str:
    match command:
        case commands.SendToStation(frame):
            return f"-> station  {frame.decode(errors='replace')}"
        case commands.SendToLeg(backend, frame):
            return f"-> {backend}  {frame.decode(errors='replace')}"
        case commands.OpenLeg(leg):
            return f"-> open the leg to {leg.backend.name}"
        case commands.GenerationRuns(generation, _, owners):
            return f"-> generation {generation} runs, owned by {', '.join(sorted(set(owners.values())))}"
        case _:
            return f"-> {command}"
