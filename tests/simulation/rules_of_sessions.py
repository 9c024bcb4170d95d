"""Roles and sessions as a whole: one owner, flips, endings, bounds, hostile input (R5, R10, R12, R15, R16)."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.desired import DesiredCharger
from reconciler.model.features import FEATURE_SET
from tests.simulation.history import CALLRESULT, INPUTS, Record, What, said
from tests.simulation.rules_of_calls import SLACK_S
from tests.simulation.scene import Scene
from tests.simulation.scenery import CALL_TIMEOUT_S


@dataclass(slots=True)
class Wish:
    """A generation that is neither running nor refused yet."""

    at: float
    desired: DesiredCharger
    stepped: bool = False


class Flips:
    """Owners change in one step, to registered back-ends only; every wish has an outcome in time."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.wishes: dict[int, Wish] = {}
        self.run: dict[int, Wish] = {}
        """The last that ran: where nobody had to prove anything, it runs in the instant of its step."""
        self.confirmed = 0
        self.to_close: dict[str, float] = {}
        self.charging = False
        """The station was told the id of a transaction (1.6), and has not said that it is over."""
        self.moved_at = 0.0
        """When transactions last got another owner."""
        self.killed = False

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what in INPUTS:
            yield from self._overdue(record)
        match record.what:
            case What.BEGAN if record.desired is not None:
                yield from self._begun(record, record.desired)
                self.wishes.clear()
                self.to_close.clear()
                self.confirmed = record.number
                yield from self._one_owner(record.desired)
            case What.WANTED if record.desired is not None:
                self.wishes[record.number] = Wish(record.at, record.desired)
                self.to_close = {
                    name: until for name, until in self.to_close.items() if record.desired.leg(name) is None
                }
                yield from self._one_owner(record.desired)
            case What.STEPPED:
                self._moves(record, self.scene.tables[record.number])
                yield from self._stepped(record)
            case What.STATION_IN | What.CARRIED:
                self._charges(record)
            case What.RUNS:
                self._runs(record)
            case What.REFUSED:
                self.wishes.pop(record.number, None)
            case What.STATION_CLOSED | What.KILLED:
                self.killed |= record.what is What.KILLED
                self.wishes.clear()
                self.to_close.clear()
            case What.CLOSE_LEG:
                yield from self._leg_closed(record)

    def _begun(self, record: Record, desired: DesiredCharger) -> Iterator[str]:
        """A transaction that is open keeps its owner from session to session, where `openTransaction` says so."""
        scene = self.scene
        known = not self.killed or self.moved_at < scene.stored_at
        self.killed = False
        if self._moves(record, desired) and self.charging and known and desired.flip.open_transaction != "proceed":
            yield f"R10: {desired.owners['transactions']} gets an open transaction with a new session"

    def _moves(self, record: Record, desired: DesiredCharger) -> bool:
        scene = self.scene
        before = scene.tables[scene.in_force].owners if scene.in_force in scene.tables else desired.owners
        moves = before["transactions"] != desired.owners["transactions"]
        self.moved_at = record.at if moves else self.moved_at
        return moves

    def _charges(self, record: Record) -> None:
        frame = said(record.raw)
        if frame is not None and frame.action in ("StartTransaction", "StopTransaction"):
            self.charging = False
        elif frame is not None and record.what is What.CARRIED:
            call = next((it for it in self.scene.calls.values() if it.token == frame.token), None)
            self.charging |= call is not None and call.action == "StartTransaction" and frame.kind == CALLRESULT

    def _one_owner(self, desired: DesiredCharger) -> Iterator[str]:
        if set(desired.owners) != FEATURE_SET or not all(desired.leg(owner) for owner in desired.owners.values()):
            yield "R5: a feature without an owner"

    def _stepped(self, record: Record) -> Iterator[str]:
        scene, wish = self.scene, self.wishes.get(record.number) or self.run.get(record.number)
        if wish is None:
            if record.number != self.confirmed:
                yield f"R10: nobody wants generation {record.number}"
            return
        if wish.stepped:
            return  # taken back, to the owners of before
        wish.stepped = True
        before = scene.desired.owners
        gaining = {owner for feature, owner in wish.desired.owners.items() if before[feature] != owner}
        for name in sorted(gaining - scene.registered_before):
            if name in scene.connections and scene.boot is None:
                continue  # resumed: no BootNotification was ever seen
            yield f"R10: {name} owns before it accepted the charger"

    def _runs(self, record: Record) -> None:
        wish = self.wishes.pop(record.number, None)
        self.confirmed = record.number
        if wish is not None:
            self.run = {record.number: wish}
            until = record.at + CALL_TIMEOUT_S
            wanted = (wish, *self.wishes.values())
            self.to_close = {
                name: until for name in self.scene.connections if not any(it.desired.leg(name) for it in wanted)
            }

    def _leg_closed(self, record: Record) -> Iterator[str]:
        scene = self.scene
        until = self.to_close.pop(record.who, 0.0)
        busy = scene.up.get(record.who)
        call = scene.calls.get(busy.trace) if busy is not None and not busy.replay else None
        if not scene.station_open or busy is None or call is None or call.owner != record.who or not call.open:
            return
        if record.at < min(busy.until, until or busy.until) - SLACK_S:
            yield f"R10: {record.who} still owes the answer to {call.action} {call.trace}"

    def _overdue(self, record: Record) -> Iterator[str]:
        if not self.scene.station_open:
            return
        for number, wish in list(self.wishes.items()):
            refused = [name for name in self._gaining(wish) if name in self.scene.turned_down]
            if refused and not self.scene.half_duplex(refused[0]) and not wish.stepped:
                del self.wishes[number]
                yield f"R10: {refused[0]} turned the charger down, generation {number} still goes on"
            elif record.at > wish.at + 2 * wish.desired.flip.confirm_within_s + SLACK_S:
                del self.wishes[number]
                yield f"R10: generation {number} has no outcome"
        for name, until in list(self.to_close.items()):
            if record.at > until + SLACK_S and name in self.scene.connections:
                del self.to_close[name]
                yield f"R10: {name} has no role and is still connected"

    def _gaining(self, wish: Wish) -> set[str]:
        before = self.scene.desired.owners
        return {owner for feature, owner in wish.desired.owners.items() if before[feature] != owner}


class Endings:
    """When the station is gone all its legs go; nothing is sent where nobody listens."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.legs: set[str] = set()
        self.gone = False

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        if record.what in INPUTS and self.gone and self.legs:
            yield f"R12: {', '.join(sorted(self.legs))} outlived the station"
            self.legs.clear()
        match record.what:
            case What.BEGAN | What.KILLED:
                self.gone, self.legs = False, set()
            case What.OPEN_LEG:
                self.legs.add(record.who)
            case What.CLOSE_LEG:
                self.legs.discard(record.who)
            case What.STATION_CLOSED:
                self.gone = True
            case What.STATION_OUT if not self.scene.station_open:
                yield "R12: sent to a station that is gone"
            case What.LEG_OUT if record.who not in self.scene.connections:
                yield f"R12: sent to {record.who}, which is not connected"


class Hostility:
    """Nothing raises, nothing grows, nothing unreadable is passed on."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def see(self, record: Record) -> Iterator[str]:
        """Check one record."""
        match record.what:
            case What.RAISED:
                yield f"R16: raised {record.text}"
            case What.SPUN:
                yield "R15: the timer spins"
            case What.GREW:
                yield f"R15: {record.text}"
            case What.STATION_OUT | What.LEG_OUT:
                if said(record.raw) is None:
                    yield "R16: unreadable"
                elif b'"trace":"garbage' in record.raw:
                    yield "R16: garbage was passed on"
