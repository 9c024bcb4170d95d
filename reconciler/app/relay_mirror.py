"""The rows between controller and relay nodes as this node last read them, kept up at the cost of what changed."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from reconciler.app.ports import Clock
from reconciler.app.relay_rows import Ask, NodeLease, NodeStart, RelayRows, Report
from reconciler.app.tasks import Report as Complaint
from reconciler.model.live import LiveCharger

Found = TypeVar("Found")

POLL_S: Final = 1.0
"""How late a row is read whose hint was lost."""


class News(msgspec.Struct, frozen=True):
    """What one reading found: new asks and reports, and chargers whose node came or went."""

    asks: tuple[Ask, ...] = ()
    reports: tuple[Report, ...] = ()
    nodes_turned: tuple[str, ...] = ()

    @property
    def chargers(self) -> frozenset[str]:
        """Return every charger that this is about."""
        return frozenset({*(one.charger for one in self.asks), *(one.charger for one in self.reports)}).union(
            self.nodes_turned
        )


class RelayMirror:
    """Asks and reports by charger; a report of a node that is gone counts as that of an offline charger."""

    def __init__(self, rows: RelayRows, clock: Clock) -> None:
        self.asks: dict[str, Ask] = {}
        self.reports: dict[str, Report] = {}
        self.live: dict[str, LiveCharger] = {}
        """How every charger runs that was ever connected anywhere."""
        self._rows = rows
        self._clock = clock
        self._asked_to = 0
        self._seen: dict[str, tuple[int, int]] = {}
        self._alive: dict[str, NodeStart] = {}
        self._by_node: dict[str, set[str]] = {}
        self._hinted = asyncio.Event()
        self._reading = asyncio.Lock()
        self._read = asyncio.Event()
        self._listeners: list[Callable[[News], None]] = []

    def listen(self, listener: Callable[[News], None]) -> None:
        """Call `listener` after every reading, also one that found nothing."""
        self._listeners.append(listener)

    def hint(self) -> None:
        """Read soon."""
        self._hinted.set()

    def note(self, ask: Ask) -> None:
        """Take an ask that this node has just written."""
        self.asks[ask.charger] = ask

    def is_alive(self, start: NodeStart) -> bool:
        """Return whether this start of a node held its lease when last read."""
        return self._alive.get(start.node) == start

    def starts(self) -> frozenset[str]:
        """Return every start of a node that held its lease when last read."""
        return frozenset(map(str, self._alive.values()))

    def nodes(self) -> frozenset[str]:
        """Return the names of these nodes."""
        return frozenset(self._alive)

    async def follow(self, complain: Complaint) -> None:
        """Read for ever: when hinted, and every `POLL_S`."""
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._hinted.wait()
            except TimeoutError:
                pass
            self._hinted.clear()
            try:
                await self.read()
            except Exception as error:  # noqa: BLE001 - the store may be away for a while; what was read last stays
                complain("relay rows", error)

    async def read(self) -> News:
        """Read what is new, tell the listeners and return it."""
        async with self._reading:
            turned = self._note_nodes(await self._rows.nodes())
            asks = await self._rows.asks(self._asked_to)
            reports = await self._rows.reports(self._seen)
            for ask in asks:
                self._asked_to = ask.seq
                self.asks[ask.charger] = ask
            for report in reports:
                self._note_report(report)
            for name in turned:
                self._show(name)
            news = News(asks, reports, tuple(turned))
        for listener in self._listeners:
            listener(news)
        read, self._read = self._read, asyncio.Event()
        read.set()
        return news

    async def seen(self, look: Callable[[], Found | None], within_s: float) -> Found | None:
        """Return what `look` finds, looking again after every reading; None where that takes longer than `within_s`."""
        until_s = self._clock.monotonic_s() + within_s
        while (found := look()) is None:
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0:
                return None
            try:
                async with asyncio.timeout(left_s):
                    await self._read.wait()
            except TimeoutError:
                return look()
        return found

    def _note_nodes(self, leases: Sequence[NodeLease]) -> list[str]:
        """Take who is alive, and return the chargers of nodes that came, went or began anew."""
        now = self._clock.now()
        before, self._alive = self._alive, {one.start.node: one.start for one in leases if now < one.until}
        for lease in leases:
            self._seen.setdefault(lease.start.node, (0, 0))
        turned = [node for node in before.keys() | self._alive.keys() if before.get(node) != self._alive.get(node)]
        return [name for node in turned for name in self._by_node.get(node, ())]

    def _note_report(self, report: Report) -> None:
        node, incarnation = report.start.node, report.start.incarnation
        self._seen[node] = max(self._seen.get(node, (0, 0)), (incarnation, report.seq))
        before = self.reports.get(report.charger)
        if before is not None:
            self._by_node[before.start.node].discard(report.charger)
        self.reports[report.charger] = report
        self._by_node.setdefault(node, set()).add(report.charger)
        self._show(report.charger)

    def _show(self, charger: str) -> None:
        report = self.reports[charger]
        live = report.live
        if live.connected and not self.is_alive(report.start):
            live = LiveCharger(charger, connected=False, since_s=live.since_s, connections=live.connections)
        self.live[charger] = live
