"""Ids that back-ends choose: each hears, and may say, its own; no two of them ever mean the same thing (R9)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.history import CALL, CALLRESULT, Record, Said, What, said
from tests.simulation.scene import Scene


@dataclass(slots=True)
class Started:
    """The ids of one transaction of 1.6."""

    station: int | None = None
    backends: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Each back-end's id, and when it was told."""
    sure: bool = False
    """The station has its id: what it stands for must outlive any kill."""


class TransactionIds:
    """In 1.6 every back-end hears, and may say, the transaction id that it chose itself; -1 where it chose none."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.started: dict[str, Started] = {}
        self.commands: dict[str, tuple[str, int]] = {}
        self.unsure: set[tuple[str, str]] = set()
        """(start, back-end) whose id may or may not have outlived a kill."""

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what is What.KILLED:
            self._killed()
        frame = said(record.raw) if record.raw and self.scene.version == "ocpp1.6" else None
        if frame is None:
            return
        if record.what is What.LEG_IN:
            self._back_end_said(record, frame)
        elif record.what is What.STATION_OUT and frame.kind == CALLRESULT:
            self._station_learns(frame, sure=not record.text)
        elif record.what is What.CARRIED and frame.kind == CALLRESULT:
            self._station_learns(frame, sure=True)
        elif record.what is What.LEG_OUT and frame.kind == CALL and frame.of:
            yield from self._told(record, frame)
        elif record.what is What.STATION_OUT and frame.action == "RemoteStopTransaction":
            yield from self._stopped(frame)

    def _back_end_said(self, record: Record, frame: Said) -> None:
        if frame.action == "RemoteStopTransaction":
            self.commands[frame.trace] = (record.who, frame.payload["transactionId"])
        under_way = self.scene.answered_by(record, frame)
        if under_way is not None and under_way.action == "StartTransaction" and frame.kind == CALLRESULT:
            start = self.started.setdefault(under_way.trace, Started())
            start.backends[record.who] = frame.payload["transactionId"], record.at

    def _station_learns(self, frame: Said, *, sure: bool) -> None:
        for call in self.scene.calls.values():
            if (call.open or sure) and call.action == "StartTransaction" and call.token == frame.token:
                start = self.started.setdefault(call.trace, Started())
                start.station, start.sure = frame.payload.get("transactionId"), sure

    def _killed(self) -> None:
        for trace, start in list(self.started.items()):
            if not start.sure:
                del self.started[trace]
            self.unsure |= {(trace, name) for name, (_, at) in start.backends.items() if at >= self.scene.stored_at}

    def _told(self, record: Record, frame: Said) -> Iterator[str]:
        start = self.started.get(frame.of, Started())
        expected, _ = start.backends.get(record.who, (-1, 0.0))
        if (frame.of, record.who) in self.unsure and frame.payload["transactionId"] in (expected, -1):
            return
        if frame.payload["transactionId"] != expected and start.station is not None:
            yield f"R9: {record.who} knows this transaction as {expected}"

    def _stopped(self, frame: Said) -> Iterator[str]:
        backend, theirs = self.commands.get(frame.trace, ("", 0))
        known = [
            it.station
            for trace, it in self.started.items()
            if it.station is not None
            and it.backends.get(backend, (None, 0.0))[0] == theirs
            and (trace, backend) not in self.unsure
        ]
        if known and frame.payload["transactionId"] != known[-1]:
            yield f"R9: {backend} means the station's transaction {known[-1]}"


@dataclass(slots=True)
class Chosen:
    """One id that a back-end chose, as the station knows it."""

    station: int
    sure: bool


class ChosenIds:
    """Reservations, profiles and requests: one id at the station for each, kept over any kill."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.asked: dict[str, tuple[str, str, int]] = {}
        """Commands by trace: kind, back-end and its id."""
        self.known: dict[tuple[str, str, int], Chosen] = {}

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what is What.KILLED:
            self.known = {key: chosen for key, chosen in self.known.items() if chosen.sure}
        frame = said(record.raw) if record.raw else None
        found = chosen_id(frame) if frame is not None and frame.kind == CALL else None
        if frame is None or found is None:
            return
        kind, number = found
        if record.what is What.LEG_IN:
            self.asked[frame.trace] = kind, record.who, number
        elif record.what is What.STATION_OUT and frame.trace in self.asked:
            yield from self._told_station(self.asked[frame.trace], number, sure=not record.text)
        elif record.what is What.CARRIED and self.asked.get(frame.trace) in self.known:
            self.known[self.asked[frame.trace]].sure = True
        elif record.what is What.LEG_OUT:
            yield from self._told_backend(record, frame, kind, number)

    def _told_station(self, key: tuple[str, str, int], station: int, *, sure: bool) -> Iterator[str]:
        before = self.known.setdefault(key, Chosen(station, sure))
        before.sure |= sure
        if before.station != station:
            yield f"R9: {key} was {before.station} at the station, and is {station} now"
        for other, chosen in self.known.items():
            if other != key and other[0] == key[0] and chosen.station == station:
                yield f"R9: {key} and {other} are both {station} at the station"

    def _told_backend(self, record: Record, frame: Said, kind: str, number: int) -> Iterator[str]:
        call = self.scene.calls.get(frame.trace)
        source = said(call.raw) if call is not None else None
        ours = chosen_id(source) if source is not None else None
        if ours is None:
            return
        own = {key[2]: it.station for key, it in self.known.items() if key[:2] == (kind, record.who)}
        means = own.get(number)
        if means is not None and means != ours[1]:
            yield f"R9: {record.who} takes {kind} {number} for the station's {means}, it is {ours[1]}"
        elif means is None and ours[1] in own.values():
            yield f"R9: {record.who} knows the station's {kind} {ours[1]} under an id of its own"


_TAKES_S: Final = 40.0
"""Longest that a command is under way to a station that obeys it."""


def chosen_id(frame: Said) -> tuple[str, int] | None:
    """Return kind and number of the chosen id in a CALL, if any."""
    asked = frame.payload
    match frame.action:
        case "ReserveNow" | "CancelReservation":
            return "reservation", asked.get("reservationId", asked.get("id"))
        case "StartTransaction" if "reservationId" in asked:
            return "reservation", asked["reservationId"]
        case "SetChargingProfile":
            profile = asked.get("csChargingProfiles") or asked["chargingProfile"]
            return "profile", profile.get("chargingProfileId", profile.get("id"))
        case "ClearChargingProfile" if "id" in asked or "chargingProfileId" in asked:
            return "profile", asked.get("id", asked.get("chargingProfileId"))
        case "GetLog" | "LogStatusNotification":
            return "request", asked["requestId"]
    return None


class ListVersions:
    """Each back-end hears of its own list's version; a list goes down under a version that the station can take."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.asked: dict[str, tuple[str, str, int]] = {}
        self.setter, self.theirs, self.station = "", 0, 0
        self.sure_at = -1.0
        self.unsure = False
        self.sent: dict[int, tuple[str, int]] = {}
        """Lists that are under way to the station, or were: version there -> whose, and its version."""
        self.sent_by: dict[str, int] = {}
        self.took, self.took_at = 0, -1.0
        """The version that the station really has, and since when."""
        self.ever_sent: dict[int, tuple[str, int]] = {}
        self.really = ("", 0)
        """Whose list that is, and its version there."""
        self.forgotten = False
        """A relay that was killed may not know that it sent that."""

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what is What.KILLED:
            self.unsure |= self.sure_at >= self.scene.stored_at
            self.forgotten |= self.took_at >= self.scene.stored_at - _TAKES_S
        elif record.what is What.TOOK_LIST:
            self.took, self.took_at, self.forgotten = record.number, record.at, False
            self.really = self.ever_sent.get(record.number, self.really)
        frame = said(record.raw) if record.raw else None
        if frame is None:
            return
        if record.what is What.LEG_IN and frame.action in ("SendLocalList", "GetLocalListVersion"):
            self.asked[frame.trace] = record.who, frame.action, _version(frame)
        elif record.what is What.STATION_OUT and frame.action == "SendLocalList" and frame.trace in self.asked:
            yield from self._sent(frame)
        elif record.what is What.STATION_IN and frame.kind == CALLRESULT:
            self._accepted(record, frame)
        elif (
            record.what is What.LEG_OUT
            and frame.kind == CALLRESULT
            and {"listVersion", "versionNumber"} & set(frame.payload)
        ):
            yield from self._told(record, frame)

    def _sent(self, frame: Said) -> Iterator[str]:
        backend, _, theirs = self.asked[frame.trace]
        self.sent[_version(frame)] = self.ever_sent[_version(frame)] = backend, theirs
        self.sent_by[frame.trace] = _version(frame)
        if not self.unsure and backend != self.setter and _version(frame) <= self.station:
            yield f"R9: the station has list version {self.station} already"
        elif not (self.unsure or self.forgotten) and backend != self.setter and _version(frame) <= self.took:
            yield f"R9: the station has list version {self.took} already, and never said so"

    def _accepted(self, record: Record, frame: Said) -> None:
        slot = self.scene.slot
        if slot is None or slot.token != frame.token or record.at >= slot.until or not self.scene.station_open:
            return
        accepted = slot.action == "SendLocalList" and frame.payload.get("status") == "Accepted"
        station = self.sent_by[slot.trace] if accepted else _version(frame)
        if accepted or (slot.action == "GetLocalListVersion" and station in self.sent):  # it took it, unheard
            self.setter, self.theirs = self.sent[station]
            self.sure_at, self.unsure, self.station = record.at, False, station
            self.sent.clear()
        elif slot.action == "SendLocalList":
            self.sent.pop(self.sent_by[slot.trace], None)

    def _told(self, record: Record, frame: Said) -> Iterator[str]:
        expected = self.theirs if record.who == self.setter else 0
        really = self.really[1] if record.who == self.really[0] else 0
        if self.setter and not self.unsure and _version(frame) not in (expected, really):
            yield f"R9: {record.who} should hear of list version {expected}"


def _version(frame: Said) -> int:
    return int(frame.payload.get("listVersion", frame.payload.get("versionNumber", 0)))
