"""Owners that are away: what the relay acknowledges is safe first, and reaches its owner once and in order (R11)."""

from collections.abc import Iterator
from typing import Final

from tests.simulation.history import CALL, CALLRESULT, INPUTS, Record, Said, What, said
from tests.simulation.rules_of_calls import LOCAL, SLACK_S
from tests.simulation.scene import Scene

_NEVER: Final = frozenset({"Authorize", "StartTransaction", "SignCertificate"})


class Backlogs:
    """Kept, acknowledged, delivered: in this order, and in the station's."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.promised: dict[str, str] = {}
        """Acknowledged, and answered by nobody yet, owner or observer: trace -> action."""
        self.delivered: set[str] = set()
        """Answered by a back-end; an observer may be quicker than the store."""
        self.last: dict[str, str] = {}
        self.kept_last: dict[str, int] = {}
        """The last that was kept for an owner, as the station counts what it says."""

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what in INPUTS and record.what is not What.KILLED:
            yield from self._waits(record)
        frame = said(record.raw) if record.raw else None
        match record.what:
            case What.KEEP if frame is not None:
                yield from self._kept(record, frame)
            case What.STATION_OUT if frame is not None and frame.kind == CALLRESULT and not frame.trace:
                yield from self._acknowledged(frame)
            case What.LEG_OUT if frame is not None and frame.kind == CALL:
                yield from self._sent_up(record, frame)
            case What.LEG_IN if frame is not None:
                self._delivered(record, frame)
            case What.NOTE if record.text.startswith("backlog-refused"):
                self.scene.give_up(self.last[record.who])
                self.promised.pop(self.last[record.who], None)
            case What.FORGET:
                yield from self._forgotten(record)
            case What.RESTARTED:
                yield from self._lost()

    def _kept(self, record: Record, frame: Said) -> Iterator[str]:
        scene = self.scene
        if scene.desired.when_owner_is_down == "close":
            yield "R11: kept although the station is to keep it"
        if scene.owner(frame.action) in scene.connections:
            yield f"R11: {scene.owner(frame.action)} is there and was not asked"
        call, number = scene.calls.get(frame.trace), int(frame.trace.rpartition(".")[2])
        owner = scene.owner(frame.action)
        if number < self.kept_last.get(owner, 0) and call is not None and not call.moved:
            yield f"R11: {frame.action} {frame.trace} was said before what was kept last for {owner}"
        self.kept_last[owner] = max(number, self.kept_last.get(owner, 0))

    def _acknowledged(self, frame: Said) -> Iterator[str]:
        for call in self.scene.calls.values():
            if call.token != frame.token or frame.payload or call.action in LOCAL:
                continue
            if call.action in _NEVER:
                yield f"R11: {call.action} was answered in its owner's place"
            elif call.trace not in self.scene.safe:
                yield f"R11: {call.action} {call.trace} was acknowledged before it was stored"
            elif call.trace not in self.delivered:
                self.promised[call.trace] = call.action
            return

    def _sent_up(self, record: Record, frame: Said) -> Iterator[str]:
        scene, backend = self.scene, record.who
        if scene.is_replay(record, frame) or not frame.trace:
            return
        owed, call = scene.owed(backend, record.at), scene.calls.get(frame.trace)
        if any(kept.trace == frame.trace for kept in owed):
            self.last[backend] = frame.trace
            copied = scene.arriving and call is not None and backend in call.observers - call.no_copy
            due = {owed[0].trace, *self._due_before_a_step(record)}
            if frame.trace not in due and not copied:  # just before the step it may still go as a copy
                yield f"R11: {owed[0].action} {owed[0].trace} was kept before it"
        elif frame.action == "BootNotification":
            return  # what comes before all else, on a leg that is registered, too (R9)
        elif owed and backend in scene.registered and not (scene.arriving and not self._moved(record, frame)):
            yield f"R11: {owed[0].action} {owed[0].trace} was kept for {backend} and comes first"
        elif frame.trace in self.promised and not (call and backend in call.observers):
            yield f"R11: {frame.action} {frame.trace} is none of {backend}'s any more"

    def _due_before_a_step(self, record: Record) -> list[str]:
        """Return what is first by the owners of before the step that this instant brings.

        The answer that registers a gaining back-end also lets its own backlog go, and only then can the step be taken.
        """
        owed = self.scene.owed(record.who, record.at, before_the_step=True) if self.scene.arriving else []
        return [kept.trace for kept in owed[:1]]

    def _moved(self, record: Record, frame: Said) -> bool:
        """Return True for a call that waited for its old owner, and goes to its new one with the step."""
        call = self.scene.calls.get(frame.trace)
        return call is not None and call.moved and self.scene.as_owner(record, frame, call)

    def _delivered(self, record: Record, frame: Said) -> None:
        under_way = self.scene.answered_by(record, frame)
        if under_way is not None and not under_way.replay and frame.kind == CALLRESULT:
            self.delivered.add(under_way.trace)
            self.promised.pop(under_way.trace, None)

    def _waits(self, record: Record) -> Iterator[str]:
        scene = self.scene
        for backend, since in scene.registered.items():
            busy = scene.up.get(backend)
            free = busy is None or record.at > busy.until + SLACK_S
            owed = scene.owed(backend, record.at - SLACK_S) if free and record.at > since and scene.station_open else []
            if owed and not scene.half_duplex(backend):
                yield f"R11: {owed[0].action} {owed[0].trace} waits although {backend} is there"

    def _forgotten(self, record: Record) -> Iterator[str]:
        for kept in self.scene.kept:
            if kept.seq == record.number and self.scene.owner_arriving(kept.action) not in kept.seen_by:
                yield f"R11: {kept.action} {kept.trace} is forgotten, and its owner never had it"

    def _lost(self) -> Iterator[str]:
        left = {kept.trace for kept in self.scene.kept}
        for trace in [trace for trace in self.promised if trace not in left]:
            yield f"R11: {self.promised.pop(trace)} {trace} was acknowledged and is lost"
