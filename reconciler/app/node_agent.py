"""This node's part in a relay of several nodes: runs what is asked of its chargers, and reports how they run.

    asks ──> RelayNode.set_desired          RelayNode.changed ──> reports, in batches, each under its charger's epoch
    a newer connection elsewhere ──> RelayNode.give_up

A charger is this node's by its socket, under the node's lease and the charger's epoch. Whoever lost the epoch can write
nothing; frames go on being relayed whatever becomes of the store.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec.structs import replace

from reconciler.app.duty import KEEP_EVERY_S, LEASE_S
from reconciler.app.passed import Passed
from reconciler.app.ports import Clock
from reconciler.app.relay_mirror import News, RelayMirror
from reconciler.app.relay_rows import Ask, Hints, NodeStart, RelayRows, Report, Taken
from reconciler.app.sightings import live_of_all
from reconciler.app.tasks import Report as Complaint
from reconciler.app.tasks import breathing
from reconciler.errors import FwdctlError
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger, Outcome

TAKE_WITHIN_S: Final = 2.0
"""A station does not wait longer for a store that is away: it is let in, and its charger claimed later."""
OPENS_WITHIN_S: Final = 10.0
"""What a station that was let in may take to finish its handshake; until then its charger is not reported as gone."""
SCAN_S: Final = 5.0
"""How late legs and transactions are reported; connections, flips and answers are at once."""
COUNTS_S: Final = 60.0
"""How late mere counts of frames are."""
GATHER_S: Final = 0.1
_REPLACED: Final = "replaced by a newer connection to another node"


class LocalRelay(Protocol):
    """The relay node of this process."""

    async def set_desired(self, charger: str, generation: int, desired: DesiredCharger | None) -> Outcome:
        """See `RelayPort`."""

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """See `RelayPort`."""

    def names(self) -> Collection[str]:
        """See `RelayPort`."""

    def passed(self, charger: str) -> Passed:
        """Return how many messages passed of a charger, by lane, since this process started."""

    def taken(self, charger: str, taken: Taken) -> None:
        """Take the charger's new epoch, and what another node left of it."""

    def give_up(self, charger: str, reason: str) -> None:
        """End the charger's session, which another node has now (R12)."""


@dataclass(slots=True)
class _Held:
    """A charger whose socket is here: the epoch it came with, and what was last reported of it."""

    epoch: int
    opens: int
    """The number, here, of the connection that it was taken for."""
    taken_s: float
    told: LiveCharger | None = None
    told_s: float = 0.0


class NodeAgent:
    """Joins, and then carries out, takes, reports and gives up for one relay node."""

    def __init__(
        self,
        rows: RelayRows,
        relay: LocalRelay,
        mirror: RelayMirror,
        start: NodeStart,
        clock: Clock,
        hints: Hints,
        complain: Complaint,
    ) -> None:
        self.start: Final = start
        self._rows = rows
        self._relay = relay
        self._mirror = mirror
        self._clock = clock
        self._hints = hints
        self._complain = complain
        self._held: dict[str, _Held] = {}
        self._asked: dict[str, Ask] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._write_lock = asyncio.Lock()
        self._seq = 0
        self._to_take: dict[str, asyncio.Future[Taken | None]] = {}
        self._taking: asyncio.Task[None] | None = None
        mirror.listen(self._heard)

    async def begin(self) -> None:
        """Run what is asked of every charger; before stations are let in."""
        for ask in list(self._mirror.asks.values()):
            await self._relay.set_desired(ask.charger, ask.generation, ask.desired)

    async def run(self) -> None:
        """Renew the lease and report, until cancelled; raises FwdctlError where a newer start took this one's place."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._renew_for_ever())
            tasks.create_task(self._report_for_ever())

    async def leave(self) -> None:
        """Report that everything is gone, and give the lease back; once stations are let out."""
        await self._report(list(self._held))
        await self._rows.renew(self.start, self._clock.now(), 0.0)
        self._hints.tell("reported")

    def changed(self, charger: str) -> None:
        """Report this charger soon."""
        self._changed.add(charger)
        self._wake.set()

    # -- taking --------------------------------------------------------------------------------------------------

    async def take(self, charger: str) -> None:
        """Make a charger this node's whose station was just let in, and learn what another node left of it."""
        waiting = self._to_take.get(charger)
        if waiting is None:
            waiting = self._to_take[charger] = asyncio.get_running_loop().create_future()
        if self._taking is None:
            self._taking = asyncio.get_running_loop().create_task(self._take_all())
        try:
            async with asyncio.timeout(TAKE_WITHIN_S):
                await asyncio.shield(waiting)
        except TimeoutError:
            self._held.pop(charger, None)  # taken with the next report

    async def _take_all(self) -> None:
        """Take all chargers that wait for it, in as few writes as the store's pace allows."""
        try:
            while self._to_take:
                batch, self._to_take = self._to_take, {}
                try:
                    taken = await self._take_now(batch, opening=True)
                except Exception as error:  # noqa: BLE001 - stations must not wait for a store that is away
                    self._complain("taking chargers", error)
                    taken = {}
                for name, waiting in batch.items():
                    if not waiting.done():
                        waiting.set_result(taken.get(name))
        finally:
            self._taking = None

    async def _take_now(self, chargers: Collection[str], *, opening: bool) -> Mapping[str, Taken]:
        """Take chargers for the connection that they have now, or that is `opening`."""
        async with self._write_lock:
            self._seq += 1
            taken = await self._rows.take(self.start, chargers, self._seq)
            now_s, live = self._clock.monotonic_s(), self._relay.live(list(taken))
            for name, one in taken.items():
                connections = live[name].connections if name in live else 0
                self._held[name] = _Held(one.epoch, connections + opening, now_s)
                self._relay.taken(name, one)
        self._hints.tell("reported")
        return taken

    # -- asks ----------------------------------------------------------------------------------------------------

    def _heard(self, news: News) -> None:
        for ask in news.asks:
            self._asked[ask.charger] = ask
            if ask.charger not in self._tasks:
                self._tasks[ask.charger] = asyncio.get_running_loop().create_task(self._carry_out(ask.charger))
        for report in news.reports:
            held = self._held.get(report.charger)
            if held is not None and report.start != self.start and report.epoch >= held.epoch:
                self._lost([report.charger])

    async def _carry_out(self, charger: str) -> None:
        """Run the newest that is asked of a charger, one after another."""
        try:
            while (ask := self._asked.pop(charger, None)) is not None:
                await self._relay.set_desired(charger, ask.generation, ask.desired)
                self.changed(charger)
        except Exception as error:  # noqa: BLE001 - one charger's trouble must not keep the others waiting
            self._complain(charger, error)
        finally:
            del self._tasks[charger]

    def _lost(self, chargers: Iterable[str]) -> None:
        for name in chargers:
            self._held.pop(name, None)
            self._relay.give_up(name, _REPLACED)

    # -- reports -------------------------------------------------------------------------------------------------

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            try:
                renewed = await self._rows.renew(self.start, self._clock.now(), LEASE_S)
            except Exception as error:  # noqa: BLE001 - the store may be away for a while; the lease then runs out
                self._complain("node lease", error)
                continue
            if not renewed:
                raise FwdctlError(
                    f"another fwdctl serve has begun as node {self.start.node}",
                    hint="give each its own data directory: copies of one are the same node",
                )

    async def _report_for_ever(self) -> None:
        scanned_s = self._clock.monotonic_s()
        while True:
            try:
                async with asyncio.timeout(SCAN_S):
                    await self._wake.wait()
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass
            self._wake.clear()
            names, self._changed = self._changed, set()
            try:
                await self._take_late(names)
                if self._clock.monotonic_s() - scanned_s >= SCAN_S:
                    scanned_s = self._clock.monotonic_s()
                    names |= await self._scan()
                await self._report(names)
            except Exception as error:  # noqa: BLE001 - the store may be away for a while; then all is told again
                self._complain("reports", error)
                self._changed |= names

    async def _take_late(self, names: Iterable[str]) -> None:
        """Take chargers that came in while the store was away."""
        late = [name for name, live in self._relay.live(list(names)).items() if live.connected]
        late = [name for name in late if name not in self._held and name not in self._to_take]
        if late:
            await self._take_now(late, opening=False)

    async def _scan(self) -> set[str]:
        """Return the chargers here that do not run any more as they were last reported, or were never taken."""
        now_s = self._clock.monotonic_s()
        found: set[str] = set()
        seen = await live_of_all(self._relay)
        async for name, live in breathing(seen.items()):
            held = self._held.get(name)
            if (held is None and live.connected) or (held is not None and _is_news(held, live, now_s)):
                found.add(name)
        return found

    async def _report(self, names: Collection[str]) -> None:
        """Report how these chargers run now; those that are not this node's any more are given up."""
        now_s = self._clock.monotonic_s()
        live = self._relay.live(list(names))
        async with self._write_lock:
            self._seq += 1
            reports = [
                Report(name, self.start, held.epoch, self._told(name, live), self._seq, self._relay.passed(name))
                for name in names
                if (held := self._held.get(name)) is not None and not _is_opening(held, live.get(name), now_s)
            ]
            if not reports:
                return
            lost = await self._rows.report(self.start, reports)
        self._hints.tell("reported")
        for report in reports:
            held = self._held.get(report.charger)
            if held is None or held.epoch != report.epoch or report.charger in lost:
                continue
            held.told, held.told_s = report.live, now_s
            if not report.live.connected:
                del self._held[report.charger]
        self._lost(lost)

    def _told(self, name: str, live: Mapping[str, LiveCharger]) -> LiveCharger:
        """Return what is reported of a charger; one that is not declared any more is gone."""
        seen = live.get(name) or LiveCharger(name, connected=False, since_s=self._clock.now().timestamp())
        return replace(seen, node=self.start.node)


def _is_opening(held: _Held, live: LiveCharger | None, now_s: float) -> bool:
    """Return whether the handshake may still be under way that a charger was taken for."""
    if live is None or live.connected:
        return False
    return live.connections < held.opens and now_s - held.taken_s < OPENS_WITHIN_S


def _is_news(held: _Held, live: LiveCharger, now_s: float) -> bool:
    """Return whether a charger runs otherwise than last reported; mere counts of frames can wait."""
    if held.told is None:
        return True
    seen = replace(live, node=held.told.node)
    if seen == held.told:
        return False
    return now_s - held.told_s >= COUNTS_S or _without_counts(seen) != _without_counts(held.told)


def _without_counts(live: LiveCharger) -> LiveCharger:
    return replace(live, legs=tuple(replace(leg, calls=0) for leg in live.legs))
