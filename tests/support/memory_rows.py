"""`RelayRows` in memory, for tests of one node's part; it keeps the fences that the real ones keep."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.app.relay_rows import Ask, NodeLease, NodeStart, Report, Seen, Taken
from reconciler.model.live import LiveCharger
from reconciler.testing.waiting import Bell


class MemoryRows:
    """Implements `RelayRows` and `Hints`."""

    def __init__(self) -> None:
        self.leases: dict[str, NodeLease] = {}
        self.asked: list[Ask] = []
        self.told: dict[str, Report] = {}
        self.acting = ("n1/1", 1)
        """(holder, incarnation) of the duty."""
        self.ask_writes = 0
        self.report_writes = 0
        self.hints: list[str] = []
        self.away = False
        self.bell = Bell()
        """Rung at every write."""
        self.left: dict[str, Taken] = {}
        """What `take` finds of chargers that another node had."""

    def tell(self, what: str) -> None:
        """Keep a hint."""
        self.hints.append(what)

    async def join(self, node: str, at: datetime, lease_s: float) -> NodeStart:
        """Begin a start."""
        before = self.leases[node].start.incarnation if node in self.leases else 0
        start = NodeStart(node, before + 1)
        self.leases[node] = NodeLease(start, at + timedelta(seconds=lease_s))
        return start

    async def renew(self, start: NodeStart, at: datetime, lease_s: float) -> bool:
        """Extend it."""
        self._answer()
        if self.leases[start.node].start != start:
            return False
        self.leases[start.node] = NodeLease(start, at + timedelta(seconds=lease_s))
        return True

    async def nodes(self) -> tuple[NodeLease, ...]:
        """Return all."""
        self._answer()
        return tuple(self.leases.values())

    async def ask(self, asks: Sequence[Ask], holder: str, incarnation: int, at: datetime) -> bool:
        """Append them, numbered."""
        self._answer()
        if (holder, incarnation) != self.acting:
            return False
        self.ask_writes += 1
        for ask in asks:
            self.asked.append(replace(ask, seq=len(self.asked) + 1))
        self.bell.ring()
        return True

    async def asks(self, after: int) -> tuple[Ask, ...]:
        """Return the new ones."""
        return tuple(ask for ask in self.asked if ask.seq > after)

    async def take(self, start: NodeStart, chargers: Collection[str], seq: int) -> Mapping[str, Taken]:
        """Count their epochs on."""
        self._answer()
        taken: dict[str, Taken] = {}
        for name in chargers:
            epoch = self.told[name].epoch + 1 if name in self.told else 1
            self.told[name] = Report(name, start, epoch, LiveCharger(name, connected=False, since_s=0.0), seq)
            taken[name] = replace(self.left.pop(name, Taken(0)), epoch=epoch)
        return taken

    async def report(self, start: NodeStart, reports: Sequence[Report]) -> frozenset[str]:
        """Replace those that are the start's."""
        self._answer()
        self.report_writes += 1
        lost = set()
        for report in reports:
            held = self.told.get(report.charger)
            if held is None or (held.start, held.epoch) != (start, report.epoch):
                lost.add(report.charger)
            else:
                self.told[report.charger] = report
        self.bell.ring()
        return frozenset(lost)

    async def reports(self, seen: Seen) -> tuple[Report, ...]:
        """Return the newer ones."""
        return tuple(
            one for one in self.told.values() if (one.start.incarnation, one.seq) > seen.get(one.start.node, (0, -1))
        )

    def _answer(self) -> None:
        if self.away:
            raise OSError("the store is away")
