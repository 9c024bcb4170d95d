"""Commands of the back-ends: who may, one at a time, in order, bounded, nobody gets another's answer (R3, R4, R8)."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.calls import RELAYS_OWN
from tests.simulation.history import CALL, CALLERROR, CALLRESULT, INPUTS, Record, Said, What, said, without_id
from tests.simulation.rules_of_calls import SLACK_S
from tests.simulation.scene import Scene
from tests.simulation.scenery import CALL_TIMEOUT_S, LIMITS


@dataclass(slots=True)
class Command:
    """One CALL of a back-end."""

    trace: str
    backend: str
    token: bytes
    raw: bytes
    action: str
    at: float
    sent_at: float | None = None
    answer: bytes = b""


class Commands:
    """Only owners (and readers) command; commands queue fairly, in bounds; nobody gets another's answer."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.open: dict[str, Command] = {}
        self.used: set[bytes] = set()
        self.suspects: list[tuple[Command, str]] = []

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what in INPUTS:
            yield from self._before_the_next_event(record)
        if record.what is What.STEPPED:
            self._roles_changed(record)
        elif record.what in (What.LEG_CLOSED, What.CLOSE_LEG, What.REDIAL_LEG, What.LEG_OPENED):
            self.open = {trace: command for trace, command in self.open.items() if command.backend != record.who}
        elif record.what in (What.CLOSE_STATION, What.STATION_CLOSED, What.KILLED):
            self.open.clear()
            self.suspects.clear()
        frame = said(record.raw) if record.raw else None
        if frame is None:
            return
        if record.what is What.LEG_IN and frame.kind == CALL and b"garbage" not in record.raw:
            self._asked(record, frame)
        elif record.what is What.STATION_IN and frame.kind in (CALLRESULT, CALLERROR):
            self._station_answered(record, frame)
        elif record.what is What.STATION_OUT and frame.kind == CALL:
            yield from self._sent_down(record, frame)
        elif record.what is What.LEG_OUT and frame.kind in (CALLRESULT, CALLERROR):
            yield from self._answered(record, frame)

    def _before_the_next_event(self, record: Record) -> Iterator[str]:
        for command, why in self.suspects:
            yield f"{why} {command.action} {command.trace}"
        self.suspects.clear()
        for trace, command in list(self.open.items()):
            if command.sent_at is None and not self.scene.may_command(command.backend, command.action):
                del self.open[trace]
                yield f"R8: {command.action} {trace} may not be given and was not refused at once"
            elif record.at > command.at + LIMITS.command_wait_s + CALL_TIMEOUT_S + SLACK_S:
                del self.open[trace]
                yield f"R3: {command.action} {trace} of {command.at:.3f} has no answer"

    def _roles_changed(self, record: Record) -> None:
        desired = self.scene.tables[record.number]
        kept = self.scene.in_force
        self.scene.in_force = record.number
        self.suspects = [
            (command, why)
            for command, why in self.suspects
            if desired is None or self.scene.may_command(command.backend, command.action)
        ]
        self.scene.in_force = kept

    def _asked(self, record: Record, frame: Said) -> None:
        if record.who in self.scene.connections and self.scene.station_open:
            self.open[frame.trace] = Command(frame.trace, record.who, frame.token, record.raw, frame.action, record.at)

    def _station_answered(self, record: Record, frame: Said) -> None:
        slot = self.scene.slot
        if slot is not None and slot.token == frame.token and record.at < slot.until and slot.trace in self.open:
            self.open[slot.trace].answer = record.raw

    def _sent_down(self, record: Record, frame: Said) -> Iterator[str]:
        scene, slot = self.scene, self.scene.slot
        if slot is not None and record.at < slot.until - SLACK_S:
            yield f"R3: {slot.action} {slot.trace} is under way at the station"
        if frame.token in self.used or not frame.token.startswith(RELAYS_OWN):
            yield f"R4: {frame.token!r} is no fresh id"
        self.used.add(frame.token)
        if not frame.trace:
            return  # the relay's own, see R14
        command = self.open.get(frame.trace)
        if command is None or command.sent_at is not None:
            yield "R8: no back-end has this command open" if command is None else "R3: sent twice"
            return
        if not scene.may_command(command.backend, command.action):
            yield f"R8: {command.backend} may not give this command"
        if without_id(record.raw) != without_id(command.raw):
            yield f"R1: sent as {command.raw!r}"
        if record.at > command.at + LIMITS.command_wait_s + SLACK_S:
            yield f"R3: waited since {command.at:.3f}"
        yield from self._in_order(command)
        command.sent_at = record.at

    def _in_order(self, command: Command) -> Iterator[str]:
        scene = self.scene
        mine = scene.owner(command.action) == command.backend
        for other in self.open.values():
            if other.sent_at is not None or other is command or other.backend not in scene.connections:
                continue
            theirs = scene.owner(other.action) == other.backend
            if (theirs and not mine) or (theirs == mine and other.at < command.at):
                yield f"R3: {other.action} {other.trace} goes first"

    def _answered(self, record: Record, frame: Said) -> Iterator[str]:
        if not self.scene.station_open or b"garbage" in frame.token or frame.token in (b'"-1"', b'""'):
            return
        mine = [it for it in self.open.values() if it.backend == record.who and it.token == frame.token]
        if frame.trace:
            command = next(
                (it for it in mine if it.answer and said(it.answer) and _trace(it.answer) == frame.trace), None
            )
            if command is None:
                yield f"R4: not the answer to an open command of {record.who}"
                return
            if without_id(command.answer) != without_id(record.raw):
                yield f"R1: answered as {command.answer!r}"
        elif mine:
            command = mine[0]
            self._refused(record, command)
        else:
            yield "R4: an answer to no open command"
            return
        del self.open[command.trace]

    def _refused(self, record: Record, command: Command) -> None:
        waiting = [it for it in self.open.values() if it.sent_at is None and it is not command]
        waited_s = record.at - command.at
        if command.sent_at is not None:
            if record.at < command.sent_at + CALL_TIMEOUT_S - SLACK_S:
                self.suspects.append((command, "R3: given up early:"))
        elif (
            self.scene.may_command(command.backend, command.action)
            and waited_s < LIMITS.command_wait_s - SLACK_S
            and len(waiting) < LIMITS.commands_waiting_max
        ):
            self.suspects.append((command, "R8: refused without a reason:"))


def _trace(raw: bytes) -> str:
    frame = said(raw)
    return frame.trace if frame is not None else ""
