"""The station's calls: bytes, one answer, one at a time, ids, observers (R1, R2, R3, R4, R7)."""

from collections.abc import Iterator

from reconciler.relay.catalogue import CATALOGUE
from tests.simulation.calls import RELAYS_OWN, StationCall, keeps_id
from tests.simulation.history import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, Record, Said, What, said, without_id
from tests.simulation.scene import TERMINATED, Scene
from tests.simulation.scenery import LIMITS, PATIENCE_S

SLACK_S = 0.001
COMMIT_S = 1.0
"""Longest that the store takes."""
LOCAL = frozenset({"Heartbeat", "BootNotification", "StatusNotification"})
"""What the relay answers by itself for an owner that is away, and does not keep."""
RELAYS_ERRORS = ("FormationViolation", "FormatViolation", "RpcFrameworkError", "MessageTypeNotSupported")


class Calls:
    """Every station CALL gets exactly one answer, its owner's; every leg carries it as it came, one at a time."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.used: set[bytes] = set()

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        yield from self._overdue(record)
        frame = said(record.raw) if record.raw else None
        if frame is None:
            return
        if record.what is What.LEG_OUT and frame.kind == CALL:
            yield from self._sent_up(record, frame)
        elif record.what is What.LEG_OUT and frame.kind == CALLRESULTERROR:
            yield from self._result_error(record, frame)
        elif record.what is What.STATION_OUT and frame.kind in (CALLRESULT, CALLERROR):
            yield from self._answered(record, frame)

    def _overdue(self, record: Record) -> Iterator[str]:
        if not self.scene.station_open or record.what in (
            What.CLOSE_STATION,
            What.STATION_CLOSED,
            What.NOTE,
            What.KILLED,
        ):
            return
        for call in self.scene.calls.values():
            if call.open and record.at > call.at + PATIENCE_S + COMMIT_S:
                call.answered = call.times
                yield f"R2: {call.action} {call.trace} of {call.at:.3f} has no answer"

    def _sent_up(self, record: Record, frame: Said) -> Iterator[str]:
        scene, backend = self.scene, record.who
        busy = scene.up.get(backend)
        if busy is not None and record.at < busy.until - SLACK_S:
            yield f"R3: {busy.action} {busy.trace} is under way to {backend}"
        if frame.token.startswith(RELAYS_OWN):
            if frame.token in self.used:
                yield f"R4: the id {frame.token!r} was used before"
            self.used.add(frame.token)
        if scene.is_replay(record, frame):
            return
        call = scene.calls.get(frame.trace)
        if call is None:
            yield from self._of_before(record, frame)
            return
        yield from self._as_it_came(record, frame, call)
        kept = any(kept.trace == frame.trace for kept in scene.owed(backend, record.at))
        if kept:
            return
        if backend != call.owner and backend not in call.observers and backend not in call.parts:
            yield f"R5: {backend} neither owned nor observed {call.action}"
        if call.sent[backend, scene.connections.get(backend, 0)] >= call.copies:
            yield f"R7: {backend} has {call.trace} twice on one connection"
        if backend == call.owner and not call.open and not (call.moved and backend in call.observers):
            yield f"R2: {call.trace} was given up before"

    def _of_before(self, record: Record, frame: Said) -> Iterator[str]:
        kept = next((kept for kept in self.scene.kept if kept.trace == frame.trace), None)
        if kept is None:
            yield "R1: the station never sent this"
        elif without_id(record.raw) != without_id(kept.raw):
            yield f"R1: sent as {kept.raw!r}"

    def _as_it_came(self, record: Record, frame: Said, call: StationCall) -> Iterator[str]:
        if without_id(record.raw) != without_id(call.raw):
            yield f"R1: sent as {call.raw!r}"
        plain = keeps_id(call.token)
        if plain and frame.token != call.token and not call.moved:
            yield f"R4: {call.token!r} could have been kept"
        if not plain and not frame.token.startswith(RELAYS_OWN):
            yield f"R4: {frame.token!r} is no id for a back-end"

    def _result_error(self, record: Record, frame: Said) -> Iterator[str]:
        about = frame.trace.removeprefix("about ")
        if not about.startswith(record.who):
            yield f"R4: {about} was not an answer of {record.who}"

    def _answered(self, record: Record, frame: Said) -> Iterator[str]:
        if not frame.trace:
            yield from self._relays_own_answer(record, frame)
            return
        yield from self._owners_answer(record, frame)

    def _owners_answer(self, record: Record, frame: Said) -> Iterator[str]:
        for call in self.scene.calls.values():
            answer = call.answers.get(call.owner)
            if call.open and call.token == frame.token and answer is not None and _same_trace(answer, frame):
                call.answered += 1
                if without_id(answer) != without_id(record.raw) and not call.parts:
                    yield f"R1: answered as {answer!r}"
                return
        yield "R2: no owner's answer to an open call"

    def _relays_own_answer(self, record: Record, frame: Said) -> Iterator[str]:
        if frame.kind == CALLERROR and any(code.encode() in record.raw for code in RELAYS_ERRORS):
            if b"garbage" not in frame.token and frame.token not in (b'"-1"', b'""'):
                yield "R16: an error to a readable frame"
            return
        for call in self.scene.calls.values():
            if not call.open or call.token != frame.token:
                continue
            if frame.kind == CALLRESULT and self._may_answer(call, frame):
                call.answered = call.times  # of one id, one answer is enough
                return
            if record.at >= call.at + PATIENCE_S - SLACK_S:
                call.answered += 1
                if CATALOGUE[self.scene.version][call.action].transaction_message:
                    yield f"R11: the relay's own error for {call.action}"
                return
        yield "R2: the relay answered by itself"

    def _may_answer(self, call: StationCall, frame: Said) -> bool:
        """The relay refuses what concerns the station's own leg (R13), and acknowledges for owners that are away.

        What it kept it acknowledges once that is stored, whatever the roles say by then.
        """
        if call.action in TERMINATED:
            return frame.payload == {"status": "Rejected"}
        if call.action in LOCAL:
            return self.scene.desired.when_owner_is_down != "close"
        return call.trace in self.scene.safe


class Copies:
    """Observers get what they observe, unless it is said that a copy was dropped."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.seen: set[str] = set()
        self.owed: dict[tuple[str, str], tuple[str, float]] = {}

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        self._new_calls()
        frame = said(record.raw) if record.raw else None
        if record.what is What.LEG_OUT and frame is not None and frame.kind == CALL:
            self.owed.pop((record.who, frame.trace), None)
        elif record.what is What.NOTE and record.text.startswith("copy-dropped"):
            self._forgive(record, record.text.removeprefix("copy-dropped "))
        elif record.what in (What.TIMER, What.STATION_IN, What.STATION_CLOSED):
            yield from self._overdue(record)
        if record.what in (What.CLOSE_STATION, What.STATION_CLOSED, What.KILLED):
            self.owed.clear()
        elif record.what is What.CLOSE_LEG:
            self.owed = {key: owed for key, owed in self.owed.items() if key[0] != record.who}

    def _new_calls(self) -> None:
        for call in reversed(self.scene.calls.values()):
            if call.trace in self.seen and call.copies > 1:
                continue  # said again: newer ones may stand before it
            if call.trace in self.seen:
                return
            self.seen.add(call.trace)
            if call.action != "StatusNotification":  # whose last state is replayed instead
                self.owed |= {(backend, call.trace): (call.action, call.at) for backend in sorted(call.observers)}

    def _forgive(self, record: Record, action: str) -> None:
        mine = [key for key, owed in self.owed.items() if key[0] == record.who and owed[0] == action]
        due = (0.0, PATIENCE_S, LIMITS.copy_age_max_s)  # at once; a part with its call; a copy that is too old
        exact = [key for key in mine if any(abs(record.at - self.owed[key][1] - wait_s) < SLACK_S for wait_s in due)]
        if mine:
            del self.owed[exact[-1] if exact else mine[0]]

    def _overdue(self, record: Record) -> Iterator[str]:
        for key, (action, at) in list(self.owed.items()):
            if record.at > at + LIMITS.copy_age_max_s + SLACK_S:
                del self.owed[key]
                if any(kept.trace == key[1] for kept in self.scene.owed(key[0], record.at)):
                    continue  # its owner by now, which gets it as its own
                yield f"R7: {key[0]} never got its copy of {action} {key[1]}"


def _same_trace(answer: bytes, frame: Said) -> bool:
    told = said(answer)
    return told is not None and told.trace == frame.trace
