"""What concerns a leg stays on it (R13); what an old owner left is taken away where that is asked for (R14)."""

from collections.abc import Iterator
from typing import Final

from tests.simulation.history import CALL, CALLERROR, CALLRESULT, INPUTS, Record, Said, What, said
from tests.simulation.rules_of_calls import SLACK_S
from tests.simulation.rules_of_ids import chosen_id
from tests.simulation.scene import TERMINATED, Scene
from tests.simulation.scenery import LIMITS

Thing = tuple[str, int]
_FEATURES: Final = {"profile": "smart-charging", "reservation": "reservation", "connector": "availability"}
_TAKES: Final = ("ClearChargingProfile", "CancelReservation")


class LegsOfTheirOwn:
    """Nothing that would change a leg crosses the relay."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        frame = said(record.raw) if record.raw and record.what in (What.STATION_OUT, What.LEG_OUT) else None
        if frame is not None and frame.kind == CALL and frame.action in TERMINATED:
            yield f"R13: {frame.action} concerns the leg that it came on"


class Residues:
    """The relay's own commands take away what nobody owns any more: nothing else, and all of it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.left: dict[Thing, tuple[str, float]] = {}
        """What stands in the station, who left it there, and when."""
        self.taken: dict[Thing, float] = {}
        """What was taken away, and when."""
        self.unsure: set[Thing] = set()
        """What the relay may take for left or for taken: it heard it too late, or forgot it when it was killed."""
        self.sent: tuple[Said, Thing] | None = None
        """The command at the station, where it leaves or takes something."""
        self.to_go: set[Thing] = set()
        self.stuck: dict[Thing, float] = {}
        """What the station said that it can't take away, and when."""
        self.began_at = 0.0

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what in INPUTS:
            yield from self._overdue(record)
        frame = said(record.raw) if record.raw else None
        match record.what:
            case What.BEGAN:
                self.began_at = record.at
            case What.CLOSE_STATION | What.STATION_CLOSED | What.KILLED:
                self._ended(record)
            case What.RUNS:  # from a session's beginning, too: what the last one did not come to
                self._runs(record.number)
            case What.STEPPED:
                owners = self.scene.tables[record.number].owners
                self.to_go = {thing for thing in self.to_go if owners[_FEATURES[thing[0]]] != self.left[thing][0]}
            case What.STATION_OUT if frame is not None and frame.kind == CALL:
                yield from self._commanded(frame)
            case What.STATION_IN if frame is not None:
                self._station_said(record, frame)

    def _ended(self, record: Record) -> None:
        self.to_go.clear()
        if record.what is What.KILLED:
            changed = {thing: at for thing, (_, at) in self.left.items()} | self.taken | self.stuck
            self.unsure |= {thing for thing, at in changed.items() if at >= self.scene.stored_at}

    def _runs(self, number: int) -> None:
        desired = self.scene.tables[number]
        clears = desired.flip.handover.charging_profiles == "clear"
        self.to_go = {
            thing
            for thing, (backend, _) in self.left.items()
            if clears
            and thing not in self.unsure | self.stuck.keys()
            and desired.owners[_FEATURES[thing[0]]] != backend
        }

    def _commanded(self, frame: Said) -> Iterator[str]:
        thing = _thing(frame)
        self.sent = (frame, thing) if thing is not None else None
        if frame.trace:
            return
        if thing is None or (thing not in self.left and thing not in self.unsure):
            yield f"R14: nobody left {thing} in the station"
            return
        if thing in self.stuck and thing not in self.unsure:
            yield f"R14: the station said that it can't take {thing} away"
        self.to_go.discard(thing)

    def _station_said(self, record: Record, frame: Said) -> None:
        slot = self.scene.slot
        if frame.action == "StartTransaction" and "reservationId" in frame.payload:
            self._gone(("reservation", frame.payload["reservationId"]), record.at)
        answers = slot is not None and slot.token == frame.token and record.at < slot.until
        if not answers or self.sent is None:
            return
        if frame.kind == CALLERROR and not self.sent[0].trace and b'"NotSupported"' in record.raw:
            self.stuck[self.sent[1]] = record.at
            self.to_go.discard(self.sent[1])
        if frame.kind != CALLRESULT or frame.payload.get("status") != "Accepted":
            return
        sent, thing = self.sent
        self._gone(thing, record.at)
        if sent.action not in _TAKES and sent.payload.get("type") != "Operative":
            del self.taken[thing]
            self.left[thing] = sent.trace.rpartition(".")[0], record.at
            self.stuck.pop(thing, None)

    def _gone(self, thing: Thing, at: float) -> None:
        if self.scene.station_open:
            self.unsure.discard(thing)
        else:
            self.unsure.add(thing)  # said on a connection that is closed already: the relay can't know
        self.taken[thing] = at
        self.left.pop(thing, None)
        self.to_go.discard(thing)

    def _overdue(self, record: Record) -> Iterator[str]:
        scene = self.scene
        idle = scene.slot is None or record.at > scene.slot.until + SLACK_S
        booting = any(call.open and call.action == "BootNotification" for call in scene.calls.values())
        grace = record.at <= self.began_at + LIMITS.boot_grace_s + SLACK_S
        if self.to_go and idle and scene.station_open and not booting and not grace:
            yield f"R14: {sorted(self.to_go)} should have been taken away"
            self.to_go.clear()


def _thing(frame: Said) -> Thing | None:
    """Return what a command leaves in the station or takes away, if anything."""
    if frame.action == "ChangeAvailability" and "connectorId" in frame.payload:
        return "connector", frame.payload["connectorId"]
    found = chosen_id(frame)
    return found if found is not None and found[0] in _FEATURES else None
