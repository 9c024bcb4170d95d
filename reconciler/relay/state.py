"""What the parts of one session share: the running roles, the legs, the memory, the commands being gathered."""

from collections.abc import Callable

from reconciler.relay.commands import CloseStation, Command, Note, SendToStation
from reconciler.relay.leg import CsmsLeg
from reconciler.relay.leg_values import LegValues, declared
from reconciler.relay.limits import SessionLimits
from reconciler.relay.memory import SessionMemory
from reconciler.relay.routing import RouteTable


class SessionState:
    """One session's state; `version` is the subprotocol of all its legs, `now` the time of the event at hand."""

    __slots__ = (
        "deletable",
        "generation",
        "legs",
        "limits",
        "memory",
        "new_id",
        "now",
        "out",
        "station_open",
        "table",
        "version",
    )

    def __init__(
        self, version: str, memory: SessionMemory, limits: SessionLimits, new_id: Callable[[], str], table: RouteTable
    ) -> None:
        self.version = version
        self.memory = memory
        self.limits = limits
        self.new_id = new_id
        self.table = table
        self.generation = 0
        self.legs: dict[str, CsmsLeg] = {}
        self.station_open = True
        self.deletable: set[str] = set()
        """Serial numbers of the station's certificates that are known to be no CSMS root (R13)."""
        self.now = 0.0
        self.out: list[Command] = []

    def emit(self, command: Command) -> None:
        """Ask something of the world."""
        self.out.append(command)

    def send_station(self, frame: bytes, *, after_commit: bool = False) -> None:
        """Send one text message to the station, unless its socket is to be closed already."""
        if self.station_open:
            self.out.append(SendToStation(frame, after_commit))

    def values_of(self, leg: CsmsLeg) -> LegValues:
        """Return what a back-end reads of its own leg (R13)."""
        return declared(leg.spec.backend, self.table.identity) if leg.values is None else leg.values

    def note(self, what: str, backend: str = "", action: str = "", detail: str = "") -> None:
        """Say that something worth a count and a log line happened."""
        self.out.append(Note(what, backend, action, detail))

    def close_station(self, code: int, reason: str) -> None:
        """Close the station's socket, once."""
        if self.station_open:
            self.station_open = False
            self.note("station-closed", detail=reason)
            self.out.append(CloseStation(code, reason))

    def new_id_token(self) -> bytes:
        """Return a fresh message id as a JSON token."""
        return b'"%b"' % self.new_id().encode()
