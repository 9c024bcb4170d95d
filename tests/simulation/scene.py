"""What can be known at each moment of a history: roles in force, connections, registrations, who owes an answer."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.desired import DesiredCharger
from reconciler.relay.catalogue import CATALOGUE, feature_of
from tests.simulation.calls import RELAYS_OWN, Kept, StationCall, UnderWay, keeps_id
from tests.simulation.history import CALL, CALLERROR, CALLRESULT, Record, Said, What, payload_of, said
from tests.simulation.scenery import CALL_TIMEOUT_S, PATIENCE_S

TERMINATED = frozenset({"ChangeConfiguration", "SetNetworkProfile", "SignCertificate"})
"""What concerns a leg itself, as the ends here say it (R13)."""
_COMPOSED = {
    "StartTransaction": ("authorization",),
    "StopTransaction": ("authorization",),
    "TransactionEvent": ("authorization", "tariff-and-cost", "smart-charging"),
}


class Scene:
    """Follows one charger's history, record by record."""

    def __init__(self) -> None:
        self.version = ""
        self.tables: dict[int, DesiredCharger] = {}
        self.in_force = 0
        self.station_open = False
        self.connections: dict[str, int] = {}
        self.registered: dict[str, float] = {}
        self.turned_down: set[str] = set()
        self.calls: dict[str, StationCall] = {}
        self.up: dict[str, UnderWay] = {}
        self.slot: UnderWay | None = None
        self.boot: bytes | None = None
        self.statuses: dict[str, bytes] = {}
        self.to_replay: dict[str, deque[bytes]] = {}
        self.kept: list[Kept] = []
        """What the core keeps for owners that are away, oldest first."""
        self.safe: set[str] = set()
        """Of these, by trace, what is stored."""
        self.stored_at = -1.0
        """When the memory that is stored was written."""
        self._snapshot_at = -1.0
        self._snapshot: tuple[bytes | None, dict[str, bytes]] = (None, {})
        self._stored: tuple[bytes | None, dict[str, bytes]] = (None, {})
        self._before: tuple[bytes | None, dict[str, bytes]] = (None, {})
        """What was known before the station's last call."""
        self.arriving: Mapping[str, str] = {}
        """The owners that this instant brings."""
        self.registered_before: frozenset[str] = frozenset()
        """Who was registered when this instant began."""
        self._numbers = 0

    # -- questions ---------------------------------------------------------------------------------------------

    @property
    def desired(self) -> DesiredCharger:
        """The roles in force."""
        return self.tables[self.in_force]

    def owner(self, action: str) -> str:
        """Return who owns an action now."""
        return self.desired.owners[feature_of(self.version, action)]

    def owner_arriving(self, action: str) -> str:
        """Return who owns an action now, or with the step that this instant brings."""
        return (self.arriving or self.desired.owners)[feature_of(self.version, action)]

    def may_command(self, backend: str, action: str) -> bool:
        """Return True where a back-end may give this command now (R8, R13)."""
        if action in TERMINATED:
            return False
        leg = self.desired.leg(backend)
        row = CATALOGUE[self.version][action]
        return self.owner(action) == backend or (leg is not None and leg.role.may_read and row.read_only)

    def owed(self, backend: str, at: float, *, before_the_step: bool = False) -> list[Kept]:
        """Return what is kept for this back-end at `at`, oldest first; what is under way to a loser finishes there.

        In the instant of a step that is by its new owners, or by those of `before_the_step`.
        """
        owner = self.owner if before_the_step else self.owner_arriving
        elsewhere = {up.trace for name, up in self.up.items() if up.kept and name != backend and at < up.until}
        return [
            kept
            for kept in self.kept
            if owner(kept.action) == backend and backend not in kept.seen_by and kept.trace not in elsewhere
        ]

    def half_duplex(self, name: str) -> bool:
        """Return True for a back-end that is not called while its own CALL is open."""
        legs = (desired.leg(name) for desired in self.tables.values())
        return any(leg.backend.half_duplex for leg in legs if leg is not None)

    def answered_by(self, record: Record, frame: Said) -> UnderWay | None:
        """Return the CALL that a frame of a back-end answers in time, if any."""
        under_way = self.up.get(record.who)
        answers = frame.kind in (CALLRESULT, CALLERROR) and under_way is not None and under_way.token == frame.token
        return under_way if answers and under_way is not None and record.at < under_way.until else None

    def is_own_boot(self, record: Record, frame: Said) -> bool:
        """Return True for the station's own BootNotification on its way to its owner."""
        call = self.calls.get(frame.trace)
        return call is not None and call.open and call.owner == record.who

    def is_replay(self, record: Record, frame: Said) -> bool:
        """Return True for a frame that the relay sends by itself: boots, statuses and heartbeats of a leg's own."""
        if not frame.token.startswith(RELAYS_OWN):
            return False
        if frame.action == "BootNotification":
            return not self.is_own_boot(record, frame)
        waiting = self.to_replay.get(record.who)
        return not frame.trace or bool(waiting and payload_of(record.raw) == waiting[0])

    # -- a step ------------------------------------------------------------------------------------------------

    def stepping(self, generation: int) -> None:
        """Let calls that were not sent go to their new owners; the step falls somewhere in this instant."""
        self.arriving = self.tables[generation].owners
        for call in self.calls.values():
            under_way = self.up.get(call.owner)
            sent = under_way is not None and under_way.trace == call.trace and not under_way.replay
            if not (sent and under_way is not None and under_way.base):
                self._move(call, self.arriving)
        self.registered_before = frozenset(self.registered)

    def _move(self, call: StationCall, owners: Mapping[str, str]) -> None:
        """Let a call that is not answered go to whoever owns it now."""
        owner = owners[feature_of(self.version, call.action)]
        if call.open and call.owner != owner and call.owner not in call.answers:
            call.before = replace(call) if self.arriving else None
            call.owner, call.parts, call.asked, call.moved = owner, frozenset(), frozenset(), True
            call.registrar, call.answers = owners["provisioning"], {}
            call.copies += 1

    def before(self, record: Record) -> None:
        """Look at what is about to be sent: in the instant of a step a call may go to its old owner just before it."""
        frame = said(record.raw) if self.arriving and record.what is What.LEG_OUT else None
        call = self.calls.get(frame.trace) if frame is not None and frame.kind == CALL else None
        if frame is None or call is None or call.before is None or call.before.owner != record.who:
            return
        if not self.is_replay(record, frame) and record.who not in call.observers - call.no_copy:
            self.calls[frame.trace] = call.before

    # -- following ---------------------------------------------------------------------------------------------

    def follow(self, record: Record) -> None:
        """Take in one record, after every rule had its look."""
        frame = said(record.raw) if record.raw else None
        match record.what:
            case What.BEGAN | What.WANTED if record.desired is not None:
                self.tables[record.number] = record.desired
                if record.what is What.BEGAN:
                    self._began(record)
            case What.STEPPED:
                self._stepped(record)
            case What.LEG_OPENED:
                self._numbers += 1
                self._hung_up(record.who)
                self.connections[record.who] = self._numbers
            case What.LEG_CLOSED | What.CLOSE_LEG | What.REDIAL_LEG:
                self._lost(record.who, for_good=record.what is What.CLOSE_LEG)
            case What.CLOSE_STATION | What.STATION_CLOSED:
                self.station_open = False
            case What.KILLED | What.SNAPSHOT | What.STORED | What.FORGET:
                self._store(record)
            case What.NOTE:
                self._noted(record)
            case _ if frame is not None:
                self._said(record, frame)

    def _said(self, record: Record, frame: Said) -> None:
        match record.what:
            case What.STATION_IN:
                self._station_said(record, frame)
            case What.LEG_IN:
                self._back_end_said(record, frame)
            case What.LEG_OUT if frame.kind == CALL:
                self._sent_up(record, frame)
            case What.KEEP | What.RESTORED:
                self.kept.append(Kept(record.number, frame.trace, frame.action, record.raw))
                if record.what is What.RESTORED:
                    self.safe.add(frame.trace)
            case What.KEPT:
                self.safe.add(frame.trace)
            case What.STATION_OUT if frame.kind == CALL:
                self.slot = UnderWay(frame.token, frame.action, frame.trace, record.at + CALL_TIMEOUT_S)

    def _began(self, record: Record) -> None:
        if record.text != self.version:
            self.version, self.boot = record.text, None
            self.statuses.clear()
        self.in_force, self.station_open, self.slot = record.number, True, None
        self.calls.clear()
        for name in list(self.connections):
            self._hung_up(name)

    def _stepped(self, record: Record) -> None:
        self.in_force, self.arriving = record.number, {}
        for call in self.calls.values():
            call.before = None
        for name in sorted(set(self.desired.owners.values())):
            self._drained(name, record.at)

    def _store(self, record: Record) -> None:
        if record.what is What.KILLED:
            self._killed()
        elif record.what is What.FORGET:
            self.kept = [kept for kept in self.kept if kept.seq != record.number]
        elif record.what is What.SNAPSHOT:
            self._snapshot, self._snapshot_at = (self.boot, dict(self.statuses)), record.at
        else:
            self._stored, self.stored_at = self._snapshot, self._snapshot_at

    def _killed(self) -> None:
        self.station_open, self.slot = False, None
        self.boot, self.statuses = self._stored[0], dict(self._stored[1])
        self.kept.clear()
        self.safe.clear()
        for name in list(self.connections):
            self._hung_up(name)

    def _noted(self, record: Record) -> None:
        if record.text.startswith("copy-dropped"):
            self._not_copied(record)
        elif record.text.startswith("too-many-calls"):  # what closes the station's socket is not taken
            self.boot, self.statuses = self._before[0], dict(self._before[1])

    def _not_copied(self, record: Record) -> None:
        newest = next(reversed(self.calls.values()), None)
        if newest is not None and newest.at == record.at and record.text.endswith(f" {newest.action}"):
            newest.no_copy.add(record.who)

    def _lost(self, name: str, *, for_good: bool) -> None:
        """A leg is gone: what it was asked and can't answer any more is its present owner's to answer."""
        self._hung_up(name)
        for call in self.calls.values():
            if for_good:
                call.no_copy.add(name)
            if call.owner == name:
                self._move(call, self.arriving or self.desired.owners)

    def _hung_up(self, name: str) -> None:
        for table in (self.connections, self.registered, self.up, self.to_replay):
            table.pop(name, None)
        self.turned_down.discard(name)

    def _station_said(self, record: Record, frame: Said) -> None:
        if frame.kind in (CALLRESULT, CALLERROR):
            if self.slot is not None and self.slot.token == frame.token:
                self.slot = None
        elif frame.kind == CALL and self.station_open and b"garbage" not in record.raw:
            known = self.calls.get(frame.trace)
            if known is not None and known.open and known.raw == record.raw:
                known.times += 1
                return
            self.calls[frame.trace] = self._new_call(record, frame)
            self._before = (self.boot, dict(self.statuses))
            if frame.action == "BootNotification":
                self.boot = payload_of(record.raw)
                self.statuses.clear()
                self.turned_down.clear()  # everybody is asked anew
            elif frame.action == "StatusNotification":
                key = f"{frame.payload.get('evseId')}/{frame.payload.get('connectorId')}"
                self.statuses.pop(key, None)
                self.statuses[key] = payload_of(record.raw)

    def _new_call(self, record: Record, frame: Said) -> StationCall:
        owner, feature = self.owner(frame.action), feature_of(self.version, frame.action)
        known = self.calls.pop(frame.trace, None)
        parts = {self.desired.owners[part] for part in _COMPOSED.get(frame.action, ())}
        observers = {
            leg.backend.name
            for leg in self.desired.legs
            if ("*" in leg.role.observes or feature in leg.role.observes)
            and frame.action not in {"BootNotification", "Heartbeat", *TERMINATED}
        }
        return StationCall(
            frame.trace,
            frame.token,
            record.raw,
            frame.action,
            record.at,
            owner,
            frozenset(parts - {owner}),
            frozenset(observers - {owner}),
            asked=frozenset(parts - {owner}) & self.registered.keys(),
            owners=self.desired.owners,
            registrar=self.desired.owners["provisioning"],
            copies=known.copies + 1 if known is not None else 1,
            sent=known.sent if known is not None else Counter(),
        )

    def _sent_up(self, record: Record, frame: Said) -> None:
        replay = self.is_replay(record, frame)
        until = record.at + CALL_TIMEOUT_S
        call = self.calls.get(frame.trace)
        if frame.action == "BootNotification":
            self.to_replay.pop(record.who, None)
            self.registered.pop(record.who, None)
            self.turned_down.discard(record.who)
        elif replay and frame.trace:
            self.to_replay[record.who].popleft()
        owners = call is not None and not replay and self.as_owner(record, frame, call)
        if call is not None and not replay:
            call.sent[record.who, self.connections.get(record.who, 0)] += 1
            asked = owners and call.owner == record.who
            if asked and not any(kept.trace == frame.trace for kept in self.kept):
                until = call.at + PATIENCE_S
        base = owners and call is not None and call.owner == record.who
        kept = not replay and any(kept.trace == frame.trace for kept in self.owed(record.who, record.at))
        self._copy_is_done(record.who)
        self.up[record.who] = UnderWay(frame.token, frame.action, frame.trace, until, replay, owners, base, kept)

    def _copy_is_done(self, backend: str) -> None:
        under_way = self.up.get(backend)
        call = self.calls.get(under_way.trace) if under_way is not None and not under_way.replay else None
        if call is not None and under_way is not None and not under_way.owners:
            call.no_copy.add(backend)

    def as_owner(self, record: Record, frame: Said, call: StationCall) -> bool:
        """Return True unless what is sent is a copy; one may go before, where the call moved to its observer."""
        copy_waits = record.who in call.observers - call.no_copy and record.who in self.registered
        if call.owner == record.who and call.moved and copy_waits:
            copied = call.sent[record.who, self.connections.get(record.who, 0)] > 0
            return frame.token.startswith(RELAYS_OWN) and (copied or keeps_id(call.token))
        return call.owner == record.who or record.who in call.parts

    def _back_end_said(self, record: Record, frame: Said) -> None:
        under_way = self.answered_by(record, frame)
        if under_way is None:
            return
        self._copy_is_done(record.who)
        del self.up[record.who]
        call = self.calls.get(under_way.trace)
        if call is not None and under_way.owners:
            call.answers[record.who] = record.raw
            if call.owner == record.who:
                call.based_at = record.at
        self._kept_call_answered(record, frame, under_way)
        if under_way.action != "BootNotification":
            return
        if frame.kind == CALLRESULT and frame.payload.get("status") == "Accepted":
            self.registered[record.who] = record.at
            self.turned_down.discard(record.who)
            self._drained(record.who, record.at)
            self.to_replay[record.who] = deque(self.statuses.values())
            for status in [call for call in self.calls.values() if call.action == "StatusNotification"]:
                status.no_copy.add(record.who)  # the last ones are replayed instead
        else:
            self.registered.pop(record.who, None)
            self.turned_down.add(record.who)

    def _drained(self, backend: str, at: float) -> None:
        """An owner is not told what it has seen as an observer; what is under way elsewhere is that one's to answer."""
        under_way = {up.trace for up in self.up.values() if up.kept and at < up.until}
        self.kept = [
            kept
            for kept in self.kept
            if self.owner(kept.action) != backend or backend not in kept.seen_by or kept.trace in under_way
        ]

    def _kept_call_answered(self, record: Record, frame: Said, under_way: UnderWay) -> None:
        kept = next((kept for kept in self.kept if kept.trace == under_way.trace), None)
        if kept is None or under_way.replay or frame.kind != CALLRESULT:
            return
        if under_way.kept:
            self.kept.remove(kept)
        else:
            kept.seen_by.add(record.who)
            self._drained(record.who, record.at)

    def give_up(self, trace: str) -> None:
        """A kept call was refused for good."""
        self.kept = [kept for kept in self.kept if kept.trace != trace]
