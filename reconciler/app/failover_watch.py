"""Watching owners: one that stays away is stood in for, one that stays back gets its charger back (R11)."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from reconciler.app.ports import Clock, Store
from reconciler.model.desired import DesiredCharger
from reconciler.model.failovers import Failover
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LiveCharger
from reconciler.model.site import Site
from reconciler.planning.failover import Health, Patience, is_well, patience_with, still_declared

_Pair = tuple[str, str]
"""(charger, back-end)"""


class FailoverWatch:
    """Decides on failovers of the chargers that are connected here; what is decided is stored before it counts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._health: dict[_Pair, Health] = {}
        self._known: frozenset[_Pair] = frozenset()
        self.next_s: float | None = None
        """When some back-end will count as up or down if nothing changes, on the monotonic clock."""

    async def watch(
        self,
        site: Site,
        stored: Sequence[Failover],
        desired: Mapping[str, DesiredCharger],
        live: Mapping[str, LiveCharger],
    ) -> tuple[Failover, ...]:
        """Return the failovers in force from now on, given those stored and how chargers are to run and do run."""
        in_force = {(failover.charger, failover.backend): failover for failover in stored}
        for pair in self._known - in_force.keys():
            self._health.pop(pair, None)  # ended by somebody: it may go down anew, after its full time
        before, self._health, turns = self._health, {}, []
        for pair, patience in _watched(site, desired, live):
            health = self._seen(before.get(pair), pair in in_force, is_well(live[pair[0]], pair[1]), patience)
            self._health[pair] = health
            turns.append(health.turns_at_s(patience))
            failover = in_force.get(pair)
            owns = pair[1] in desired[pair[0]].owners.values()
            if failover is None and not health.up and owns:
                in_force[pair] = await self._begin(site.chargers[pair[0]], pair[1], patience)
            elif failover is not None and failover.back == "auto" and health.up:
                await self._end(in_force.pop(pair), f"{pair[1]} is back since {patience.up_after_s:g} s")
        for pair, failover in list(in_force.items()):
            charger = site.chargers.get(pair[0])
            if charger is None or not still_declared(charger, failover):
                await self._end(in_force.pop(pair), "it is no longer declared")
                self._health.pop(pair, None)  # under other specs it may go down anew, after its full time
        self._known = frozenset(in_force)
        self.next_s = min((turn for turn in turns if turn is not None), default=None)
        return tuple(in_force[pair] for pair in sorted(in_force))

    @property
    def watches(self) -> bool:
        """Return True where there is any owner that somebody would stand in for, or stands in for."""
        return bool(self._health or self._known)

    def glance(self, site: Site, desired: Mapping[str, DesiredCharger], live: Mapping[str, LiveCharger]) -> None:
        """Learn how owners of these chargers are; what follows from it is decided by `watch`, at `next_s` or before."""
        for pair, patience in _watched(site, desired, live):
            well = is_well(live[pair[0]], pair[1])
            health = self._health[pair] = self._seen(self._health.get(pair), pair in self._known, well, patience)
            turns_at_s = health.turns_at_s(patience)
            if turns_at_s is not None:
                self.next_s = turns_at_s if self.next_s is None else min(self.next_s, turns_at_s)

    def _seen(self, before: Health | None, stood_in: bool, found: bool | None, patience: Patience) -> Health:
        """Return its health now. Who is not stood in for is up until it was away for its full time without a break.

        So what it was taken for while it owned nothing, or under other specs, does not count. `found` None: it is as
        it was before.
        """
        now_s = self._clock.monotonic_s()
        well = found if found is not None else before.well if before is not None else not stood_in
        known = before or Health(well, now_s, up=True)
        return replace(known, up=not stood_in).seen(well, now_s, patience)

    async def _begin(self, charger: DesiredCharger, backend: str, patience: Patience) -> Failover:
        rule = charger.failover
        assert rule is not None
        begun = Failover(charger.name, backend, rule.to, self._clock.now(), rule.back)
        await self._store.put_failover(begun)
        reason = f"{backend} is away since {patience.down_after_s:g} s"
        await self._record(begun, "failover", f"{rule.to} stands in for {backend}", reason)
        return begun

    async def _end(self, failover: Failover, reason: str) -> None:
        if await self._store.end_failover(failover.charger, failover.backend):
            await self._record(failover, "failover-ended", f"{failover.to} no longer stands in", reason)

    async def _record(self, failover: Failover, kind: str, summary: str, reason: str) -> None:
        event = HistoryEvent(self._clock.now(), kind, summary, failover.charger, actor="controller", reason=reason)
        await self._store.record([event])


def _watched(
    site: Site, desired: Mapping[str, DesiredCharger], live: Mapping[str, LiveCharger]
) -> Iterator[tuple[_Pair, Patience]]:
    """Yield the declared owners that are dialled for a connected charger, where somebody would stand in for them."""
    for name, session in live.items():
        declared, wanted = site.chargers.get(name), desired.get(name)
        if declared is None or declared.failover is None or wanted is None or not session.connected:
            continue
        for backend in dict.fromkeys(declared.owners.values()):
            leg, patience = wanted.leg(backend), patience_with(declared, backend)
            if patience is not None and leg is not None and leg.role.connected:
                yield (name, backend), patience
