"""The rows between controller and relay nodes: asks, reports, and which starts of nodes are alive."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import RowMapping, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.adapters.store.engine import Turn
from reconciler.adapters.store.memories import memory_of
from reconciler.adapters.store.relay_tables import relay_asks, relay_nodes, relay_reports
from reconciler.adapters.store.section import Section, in_lists
from reconciler.adapters.store.tables import duties, kept_calls, memories, upsert
from reconciler.app.ports import ChargerMemory, KeptCall
from reconciler.app.relay_rows import ACTING, Ask, NodeLease, NodeStart, Report, Seen, Taken
from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.model.live import LiveCharger

_NOTHING: Final = Taken(0)


class RelayRowsOfStore(Section):
    """Implements `RelayRows`."""

    async def join(self, node: str, at: datetime, lease_s: float) -> NodeStart:
        """Begin a new start of `node`; what an earlier one held is free from now on."""
        async with self._database.writing(Turn.DUTIES) as connection:
            before = await connection.scalar(select(relay_nodes.c.incarnation).where(relay_nodes.c.node == node)) or 0
            start = NodeStart(node, before + 1)
            until = at + timedelta(seconds=lease_s)
            row = {"node": node, "incarnation": start.incarnation, "until": until}
            await connection.execute(upsert(relay_nodes, connection.dialect), row)
            held = duties.c.holder == str(NodeStart(node, before))
            await connection.execute(update(duties).where(held).values(expires_at=at))
            return start

    async def renew(self, start: NodeStart, at: datetime, lease_s: float) -> bool:
        """Extend the lease; False where a newer start of the same node has begun."""
        same = relay_nodes.c.node == start.node, relay_nodes.c.incarnation == start.incarnation
        renewed = update(relay_nodes).where(*same).values(until=at + timedelta(seconds=lease_s))
        async with self._database.writing() as connection:
            return (await connection.execute(renewed)).rowcount == 1

    async def nodes(self) -> tuple[NodeLease, ...]:
        """Return all nodes by name, those that are gone too."""
        async with self._database.reading() as connection:
            found = (await connection.execute(select(relay_nodes))).mappings()
            leases = [NodeLease(NodeStart(row["node"], row["incarnation"]), row["until"]) for row in found]
        return tuple(sorted(leases, key=lambda lease: lease.start.node))

    async def ask(self, asks: Sequence[Ask], holder: str, incarnation: int, at: datetime) -> bool:
        """Write these asks, all in one transaction; False, and nothing is written, where the duty was lost.

        One transaction at a time writes asks, so that their numbers are in the order in which they become visible.
        """
        async with self._database.writing(Turn.ASKS) as connection:
            mine = and_(duties.c.duty == ACTING, duties.c.holder == holder, duties.c.incarnation == incarnation)
            held = select(duties.c.expires_at).where(mine, duties.c.expires_at > at).with_for_update()
            if await connection.scalar(held) is None:
                return False
            last = await connection.scalar(select(func.max(relay_asks.c.seq))) or 0
            newest = {one.charger: one for one in asks}
            rows = [
                {"charger": one.charger, "generation": one.generation, "seq": seq, "desired": _written(one.desired)}
                for seq, one in enumerate(newest.values(), start=last + 1)
            ]
            await connection.execute(upsert(relay_asks, connection.dialect, unless_newer="generation"), rows)
            return True

    async def asks(self, after: int) -> tuple[Ask, ...]:
        """Return the asks with a seq above `after`, in order."""
        asked = select(relay_asks).where(relay_asks.c.seq > after).order_by(relay_asks.c.seq)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked)).mappings().all()
        return tuple(Ask(row["charger"], row["generation"], _desired(row["desired"]), row["seq"]) for row in rows)

    async def take(self, start: NodeStart, chargers: Collection[str], seq: int) -> Mapping[str, Taken]:
        """Note that these chargers have just connected to this node; see `RelayRows`."""
        async with self._database.writing() as connection:
            if not await _is_newest(connection, start):
                return {}
            before = await _locked(connection, chargers)
            # Two nodes may take a charger that has no row yet; the insert of the second one then waits, and counts on.
            epochs = {name: before[name]["epoch"] + 1 if name in before else 1 for name in sorted(chargers)}
            rows = [
                {
                    "charger": name,
                    "node": start.node,
                    "incarnation": start.incarnation,
                    "epoch": epoch,
                    "seq": seq,
                    "live": _absent(name),
                    "passed": "{}",
                }
                for name, epoch in epochs.items()
            ]
            if rows:
                await connection.execute(upsert(relay_reports, connection.dialect), rows)
            left = await _left(connection, [name for name in before if before[name]["node"] != start.node])
        return {name: replace(left.get(name, _NOTHING), epoch=epoch) for name, epoch in epochs.items()}

    async def report(self, start: NodeStart, reports: Sequence[Report]) -> frozenset[str]:
        """Write those reports whose charger still has that epoch here, and return the chargers that were lost."""
        async with self._database.writing() as connection:
            names = {one.charger for one in reports}
            if not await _is_newest(connection, start):
                return frozenset(names)
            held = await _locked(connection, names)
            mine = [one for one in reports if one.charger in held and _is_same(held[one.charger], start, one.epoch)]
            rows = [_report_row(one) for one in sorted(mine, key=lambda one: one.charger)]
            if rows:
                await connection.execute(upsert(relay_reports, connection.dialect), rows)
            return frozenset(names - {one.charger for one in mine})

    async def reports(self, seen: Seen) -> tuple[Report, ...]:
        """Return the reports that are newer than those `seen`."""
        column = relay_reports.c
        newer = [
            and_(
                column.node == node,
                or_(column.incarnation > incarnation, and_(column.incarnation == incarnation, column.seq > seq)),
            )
            for node, (incarnation, seq) in seen.items()
        ]
        others = column.node.not_in(list(seen))
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(relay_reports).where(or_(others, *newer)))).mappings().all()
        return tuple(map(_report, rows))


async def _is_newest(connection: AsyncConnection, start: NodeStart) -> bool:
    """Return whether no newer start of the node has begun; and let none begin before this transaction is over."""
    asked = select(relay_nodes.c.incarnation).where(relay_nodes.c.node == start.node).with_for_update(read=True)
    return bool(await connection.scalar(asked) == start.incarnation)


async def _locked(connection: AsyncConnection, chargers: Iterable[str]) -> dict[str, RowMapping]:
    """Return the chargers' reports, which nobody else can change before this transaction is over."""
    found: dict[str, RowMapping] = {}
    asked = select(relay_reports).order_by(relay_reports.c.charger).with_for_update()
    for some in in_lists(sorted(chargers)):
        rows = (await connection.execute(asked.where(relay_reports.c.charger.in_(some)))).mappings()
        found |= {row["charger"]: row for row in rows}
    return found


async def _left(connection: AsyncConnection, chargers: Sequence[str]) -> dict[str, Taken]:
    """Return what other nodes left of these chargers."""
    remembered: dict[str, ChargerMemory] = {}
    kept: dict[str, list[KeptCall]] = {name: [] for name in chargers}
    for some in in_lists(chargers):
        rows = (await connection.execute(select(memories).where(memories.c.charger.in_(some)))).mappings()
        remembered |= {row["charger"]: memory_of(row) for row in rows}
        calls = select(kept_calls).where(kept_calls.c.charger.in_(some)).order_by(kept_calls.c.seq)
        for row in (await connection.execute(calls)).mappings():
            kept[row["charger"]].append(KeptCall(**row))
    return {name: Taken(0, True, remembered.get(name), tuple(kept[name])) for name in chargers}


def _is_same(row: RowMapping, start: NodeStart, epoch: int) -> bool:
    return (row["node"], row["incarnation"], row["epoch"]) == (start.node, start.incarnation, epoch)


def _report_row(one: Report) -> dict[str, Any]:
    start = one.start
    live = msgspec.json.encode(one.live).decode()
    row = {"charger": one.charger, "node": start.node, "incarnation": start.incarnation, "live": live}
    passed = msgspec.json.encode(one.passed).decode()
    return row | {"epoch": one.epoch, "seq": one.seq, "passed": passed}


def _report(row: RowMapping) -> Report:
    live = msgspec.json.decode(row["live"], type=LiveCharger)
    passed = msgspec.json.decode(row["passed"], type=dict[str, int])
    return Report(row["charger"], NodeStart(row["node"], row["incarnation"]), row["epoch"], live, row["seq"], passed)


def _absent(name: str) -> str:
    return msgspec.json.encode(LiveCharger(name, connected=False, since_s=0.0)).decode()


def _written(desired: DesiredCharger | None) -> str | None:
    return None if desired is None else msgspec.json.encode(desired).decode()


def _desired(written: str | None) -> DesiredCharger | None:
    """Return what was written; what many chargers have in common is one object again."""
    if written is None:
        return None
    desired = msgspec.json.decode(written, type=DesiredCharger)
    owners = _same_owners(tuple(desired.owners.items()))
    return replace(desired, legs=_same_legs(desired.legs), owners=owners)


@lru_cache(maxsize=4096)
def _same_legs(legs: tuple[DesiredLeg, ...]) -> tuple[DesiredLeg, ...]:
    return legs


@lru_cache(maxsize=4096)
def _same_owners(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return dict(pairs)
