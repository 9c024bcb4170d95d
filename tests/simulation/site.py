"""One charger of a simulated world: carries out what its session asks for, as the relay's shell does."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.app.ports import ChargerMemory
from reconciler.local.csms import LocalCsms, TransactionNumbers
from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.relay import commands, events
from reconciler.relay.limits import SessionLimits
from reconciler.relay.memory import SessionMemory
from reconciler.relay.session import Session
from tests.simulation.history import Record, What
from tests.simulation.network import Connection
from tests.simulation.scenery import LIMITS, some_manners, some_roles
from tests.simulation.station import SimulatedStation

if TYPE_CHECKING:
    from tests.simulation.world import World

_SPIN_MAX: Final = 200


class Site:
    """One charger: carries out what its session asks for, as the relay's shell does, and writes everything down."""

    def __init__(self, world: "World", name: str, version: str) -> None:
        self.world, self.name, self.version = world, name, version
        self.clock, self.rng = world.clock, world.rng
        self.history: list[Record] = []
        self.memory = SessionMemory()
        self.local = TransactionNumbers()
        self.session: Session | None = None
        self.legs: dict[str, DesiredLeg] = {}
        self.connections: dict[str, Connection] = {}
        self.station_wire: Connection | None = None
        self.generation = 1
        self.desired = some_roles(self.rng, world.manners)
        self.next = (self.generation, self.desired)
        """What the charger's next session begins with: what ran last, or was wanted while there was none."""
        self.open_wishes: dict[int, DesiredCharger] = {}
        self.refused_at: float | None = None
        """When what is wanted now was refused, unless it was asked again since."""
        self.station = SimulatedStation(self, some_manners(self.rng).station)
        self._spins = 0
        self._owners: set[str] = set()
        self._in_force = 0

    # -- the station's side ------------------------------------------------------------------------------------

    def connect(self) -> Connection:
        """The station connects: a new session on the old memory."""
        wire = Connection(self.world.wire(), self.world.wire())
        self.station_wire = wire
        generation, desired = self.next
        self.session = Session(self.version, generation, desired, self.memory, self.world.new_id, LIMITS)
        self._in_force, self._owners = self.session.generation, set(self.session.begins.owners.values())
        self.write(What.BEGAN, number=self._in_force, text=self.version, desired=self.session.begins)
        self._carry_out(self.session.open(self.clock.now))
        return wire

    def from_station(self, raw: bytes) -> None:
        """A frame of the station arrives."""
        self.write(What.STATION_IN, raw=raw)
        self._feed(events.StationFrameReceived(raw))

    def station_gone(self, reason: str) -> None:
        """The station's socket is closed, by whomever."""
        wire, self.station_wire = self.station_wire, None
        if wire is None:
            return
        wire.cut()
        self.write(What.STATION_CLOSED, text=reason)
        self._feed(events.StationClosed(reason))
        self._ended()
        self.station.disconnected()

    def _ended(self) -> None:
        self.session = None
        if self.open_wishes:  # nobody knows what would have become of them
            self.next = max(self.open_wishes.items())
            self.open_wishes.clear()

    @property
    def is_behind(self) -> bool:
        """True where what runs is not what is wanted, and nobody has said why."""
        session = self.session
        return session is not None and not self.open_wishes and session.state.generation != self.generation

    def want(self, desired: DesiredCharger) -> None:
        """The controller wants other roles."""
        self.generation += 1
        self.refused_at = None
        before, self.desired = self.desired, desired
        if self.session is None:
            self.next = (self.generation, desired)
            return
        self.open_wishes[self.generation] = desired
        self.write(What.WANTED, number=self.generation, desired=desired)
        self._feed(events.DesiredChanged(self.generation, desired))
        if self.rng.random() < 0.1:  # another flip while this one is under way
            self.clock.after(self.rng.uniform(0, 2), self.world.flipper(self))
        gaining = sorted(set(desired.owners.values()) - set(before.owners.values()))
        if gaining and self.rng.random() < 0.15:  # whoever gains dies at that moment
            name = self.rng.choice(gaining)
            self.clock.after(self.rng.uniform(0, 1), lambda: self._fails(name))

    def _losers_go(self, losers: Iterable[str]) -> None:
        """Who has just lost something may be cut off with what is under way there, and wanted back at once."""
        names = sorted(losers)
        if names and self.world.busy and self.rng.random() < 0.3:
            name = self.rng.choice(names)
            self.clock.after(self.rng.uniform(0, 0.5), lambda: self._fails(name))
            if self.rng.random() < 0.5:
                self.clock.after(self.rng.uniform(0.5, 4), lambda: self.world.controller.undo(self))

    def _fails(self, name: str) -> None:
        connection = self.connections.get(name)
        if connection is not None:
            connection.peer.drop()

    # -- the back-ends' side -----------------------------------------------------------------------------------

    def _dial(self, leg: DesiredLeg) -> None:
        session, name = self.session, leg.backend.name

        def answered() -> None:
            if self.session is not session or self.legs.get(name) is not leg or name in self.connections:
                return
            if self.world.csms[name].reachable():
                connection = Connection(self.world.wire(), self.world.wire())
                self.connections[name] = connection
                self.write(What.LEG_OPENED, name)
                connection.peer = self.world.csms[name].accept(self, connection)
                self._feed(events.LegOpened(name))
            else:
                self.write(What.DIAL_FAILED, name)
                self._feed(events.LegDialFailed(name, "refused"))
                self.clock.after(self.rng.uniform(2, 15), lambda: self._dial(leg))

        self.clock.after(self.rng.uniform(0.01, 1.0), answered)

    def from_csms(self, name: str, connection: Connection, raw: bytes) -> None:
        """A frame of a back-end arrives."""
        if self.connections.get(name) is connection:
            self.write(What.LEG_IN, name, raw)
            self._feed(events.LegFrameReceived(name, raw))

    def leg_lost(self, name: str, connection: Connection) -> None:
        """A back-end's connection broke, or the back-end closed it."""
        if self.connections.get(name) is connection:
            connection.cut()
            del self.connections[name]
            self.write(What.LEG_CLOSED, name)
            self._feed(events.LegClosed(name, "lost"))
            leg = self.legs.get(name)
            if leg is not None:
                self.clock.after(self.rng.uniform(0.5, 10), lambda: self._dial(leg))
            if self.rng.random() < 0.1:
                self.clock.after(self.rng.uniform(0, 12), self.world.flipper(self))

    # -- the core ----------------------------------------------------------------------------------------------

    def _feed(self, event: events.Event) -> None:
        session = self.session
        if session is None:
            return
        try:
            given = session.handle(event, self.clock.now)
        except Exception as error:  # noqa: BLE001  # R16: whatever it is, it is a violation
            self.write(What.RAISED, text=repr(error))
            return
        self._carry_out(given)

    def _carry_out(self, given: list[commands.Command]) -> None:
        for command in given:
            match command:
                case commands.SendToStation(frame, after_commit):
                    self.write(What.STATION_OUT, raw=frame, text="once stored" if after_commit else "")
                    if after_commit:
                        self.world.store.commit(self.name, self, self._carrier(frame))
                        self.world.may_be_killed()
                    else:
                        self._to_station(frame)
                case commands.SendToLeg(name, frame):
                    self.write(What.LEG_OUT, name, frame)
                    self._to_leg(name, frame)
                case commands.CloseStation(_, reason):
                    self.write(What.CLOSE_STATION, text=reason)
                    self.clock.after(self.rng.uniform(0.01, 0.5), self._closer(reason))
                case commands.GenerationRuns(generation, _, owners):
                    self._settled(generation, runs=True)
                    self._losers_go(name for name in self.connections if self.next[1].leg(name) is None)
                    self.write(What.RUNS, number=generation, text=",".join(sorted(set(owners.values()))))
                case commands.GenerationRefused(generation, reason):
                    self._settled(generation, runs=False)
                    self.write(What.REFUSED, number=generation, text=reason)
                case commands.OpenLeg() | commands.RedialLeg() | commands.CloseLeg():
                    self._leg_command(command)
                case _:
                    self._shell_command(command)
        if self.session is not None and self.session.state.generation != self._in_force:
            self._in_force = self.session.state.generation
            self.write(What.STEPPED, number=self._in_force)
            before, self._owners = self._owners, set(self.session.state.table.owners.values())
            self._losers_go(before - self._owners)
        self._measure()
        self._arm()

    def _settled(self, generation: int, *, runs: bool) -> None:
        desired = self.open_wishes.pop(generation, None)
        if runs and desired is not None:
            self.next = (generation, desired)
        if not runs and generation == self.generation:
            self.refused_at = self.clock.now

    def _shell_command(self, command: commands.Command) -> None:
        """What the node does for its sessions."""
        store = self.world.store
        match command:
            case commands.Note(what, backend, action, _):
                self.write(What.NOTE, backend, text=f"{what} {action}")
            case commands.RememberCharger():
                store.remember(self.name, self)
            case commands.KeepCall(seq, raw, answer):
                self.write(What.KEEP, raw=raw, number=seq)
                store.keep(self.name, seq, raw, self._keeper(seq, raw, answer))
                self.world.may_be_killed()
                self._somebody_acts(0.2, 5)  # seeing that the owner is away
            case commands.ForgetCalls(seqs):
                for seq in seqs:
                    self.write(What.FORGET, number=seq)
                store.forget(self.name, seqs)
                self.world.may_be_killed()
                self._somebody_acts(0.1, 1)  # while what was kept goes up
            case commands.LegRegistered() if len(self.memory.backlog):
                self._somebody_acts(0.5, 2)
            case commands.AnswerOrder(_, order, _):
                self._feed(events.OrderAnswered(order))
            case commands.AnswerLocally(frame):
                local = LocalCsms(self.version, lambda: self.desired.local, lambda token: False, self.local)
                answer = local.frame_received(frame, datetime.fromtimestamp(self.clock.now, UTC))
                if answer is not None:
                    self.write(What.STATION_OUT, raw=answer)
                    self._to_station(answer)

    def _somebody_acts(self, chance: float, within_s: float) -> None:
        if self.rng.random() < chance:
            self.clock.after(self.rng.uniform(0, within_s), self.world.flipper(self))

    def _carrier(self, frame: bytes) -> Callable[[], None]:
        wire = self.station_wire

        def carry() -> None:
            if self.station_wire is wire:
                self.write(What.CARRIED, raw=frame)
                self._to_station(frame)

        return carry

    def _keeper(self, seq: int, raw: bytes, answer: bytes) -> Callable[[], None]:
        wire = self.station_wire

        def acknowledge() -> None:
            self.write(What.KEPT, raw=raw, number=seq)
            open_still = self.session is not None and self.session.state.station_open
            if self.station_wire is wire and open_still:
                self.write(What.STATION_OUT, raw=answer)
                self._to_station(answer)

        return acknowledge

    # -- the store ---------------------------------------------------------------------------------------------

    def snapshot(self) -> ChargerMemory:
        """Return the memory as it is now; it is about to be written."""
        self.write(What.SNAPSHOT)
        memory = self.memory
        return ChargerMemory(self.name, memory.version, memory.boot, dict(memory.statuses), memory.snapshot())

    def stored(self) -> None:
        """The last snapshot is safe."""
        self.write(What.STORED)

    def killed(self) -> None:
        """The relay's process dies; the next one reads what it left."""
        wire, self.station_wire = self.station_wire, None
        self.write(What.KILLED)
        self.session = None
        self.open_wishes.clear()
        self.next = (self.generation, self.desired)  # a new process knows what is declared, and no more
        self.legs.clear()
        for name in list(self.connections):
            self._hang_up(name)
        self._restore()
        if wire is not None:
            wire.cut()
            self.station.disconnected()

    def _restore(self) -> None:
        store, now = self.world.store, self.clock.now
        self.memory = SessionMemory()
        for memory in store.memories():
            if memory.charger == self.name:
                self.memory = SessionMemory.restored(memory.version, memory.boot, memory.statuses, memory.ids, now)
        kept = [call for call in store.kept_calls() if call.charger == self.name]
        self.memory.backlog.restore((call.seq, call.raw, call.at.timestamp()) for call in kept)
        for call in kept:
            self.write(What.RESTORED, raw=call.raw, number=call.seq)
        self.write(What.RESTARTED)

    def _leg_command(self, command: commands.OpenLeg | commands.RedialLeg | commands.CloseLeg) -> None:
        match command:
            case commands.OpenLeg(leg):
                self.write(What.OPEN_LEG, leg.backend.name)
                self.legs[leg.backend.name] = leg
                self._dial(leg)
            case commands.RedialLeg(leg, _):
                self.write(What.REDIAL_LEG, leg.backend.name)
                self._hang_up(leg.backend.name)
                self.legs[leg.backend.name] = leg
                self._dial(leg)
            case commands.CloseLeg(name, reason):
                self.write(What.CLOSE_LEG, name, text=reason)
                self.legs.pop(name, None)
                self._hang_up(name)

    def _hang_up(self, name: str) -> None:
        connection = self.connections.pop(name, None)
        if connection is not None:
            connection.cut()
            connection.peer.closed()

    def _closer(self, reason: str) -> Callable[[], None]:
        session = self.session
        return lambda: self.station_gone(reason) if self.session is session else None

    def _to_station(self, frame: bytes) -> None:
        if self.station_wire is not None:
            self.station_wire.down.carry(lambda: self.station.receive(frame))

    def _to_leg(self, name: str, frame: bytes) -> None:
        connection = self.connections.get(name)
        if connection is not None:
            connection.up.carry(lambda: connection.peer.receive(frame))

    def _arm(self) -> None:
        session = self.session
        due = session.next_timer() if session is not None else None
        if session is None or due is None:
            return
        self._spins = self._spins + 1 if due <= self.clock.now else 0
        if self._spins > _SPIN_MAX:
            self.write(What.SPUN)
            return

        def fire() -> None:
            wanted = session.next_timer()
            if self.session is session and wanted is not None and wanted <= self.clock.now:
                self.write(What.TIMER)
                self._feed(events.TimerFired())

        self.clock.at(due, fire)

    def _measure(self) -> None:
        if self.session is None:
            return
        state, limits = self.session.state, LIMITS
        sizes = {f"{leg.name} waiting": (len(leg.waiting), _waiting_max(limits)) for leg in state.legs.values()}
        sizes |= {
            f"{leg.name} commands": (len(leg.commands_open), limits.commands_waiting_max + 1)
            for leg in state.legs.values()
        }
        memory = state.memory
        sizes["statuses"] = (len(memory.statuses), 256)
        sizes["transactions"] = (len(memory.transactions), 64)
        sizes["kept calls"] = (len(memory.backlog), 2_000)
        for what, (size, most) in sizes.items():
            if size > most:
                self.write(What.GREW, text=f"{what}: {size} of {most}")

    def write(
        self, what: What, who: str = "", raw: bytes = b"", *, number: int = 0, text: str = "", desired: Any = None
    ) -> None:
        """Note what happened."""
        self.history.append(Record(self.clock.now, what, who, raw, number, text, desired))


def _waiting_max(limits: SessionLimits) -> int:
    return limits.upward_waiting_max + limits.station_calls_max + 256 + 1
