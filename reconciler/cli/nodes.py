"""Wires one node into a relay of several: where the store can be shared, controller and relay meet in its rows."""

from collections.abc import Coroutine
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.adapters.store.location import PostgresDatabase
from reconciler.adapters.store.sql_store import SqlStore
from reconciler.app.duty import LEASE_S, LeasedDuty
from reconciler.app.errands import Errands
from reconciler.app.fleet_stations import FleetStations
from reconciler.app.fleet_tap import FleetTap
from reconciler.app.node import RelayNode
from reconciler.app.node_agent import NodeAgent
from reconciler.app.ports import Clock
from reconciler.app.reconciler import Reconciler
from reconciler.app.relay_mirror import News, RelayMirror
from reconciler.app.relay_rows import ACTING, LOOK
from reconciler.app.shared_relay import SharedRelay
from reconciler.app.tasks import Background, Report

if TYPE_CHECKING:
    from reconciler.adapters.store.hints import PostgresHints


class JoinedNode(msgspec.Struct, frozen=True):
    """This node among others."""

    relay: SharedRelay
    duty: LeasedDuty
    agent: NodeAgent
    mirror: RelayMirror
    hints: "PostgresHints"
    errands: Errands
    stations: FleetStations
    tap: FleetTap

    def steered_by(self, reconciler: Reconciler) -> None:
        """Wake the controller for what is read, and for what another node asks it to look at."""

        def read(news: News) -> None:
            if news.chargers:
                reconciler.wake(*news.chargers)

        def told(what: str) -> None:
            if what == LOOK:
                reconciler.wake()

        self.mirror.listen(read)
        self.hints.listen(told)

    def work(self, complain: Report) -> tuple[tuple[str, Coroutine[Any, Any, None]], ...]:
        """Return what has to run for as long as the server does, by name."""
        return (
            ("hints", self.hints.run()),
            ("relay rows", self.mirror.follow(complain)),
            ("node", self.agent.run()),
            ("errands", self.errands.run()),
        )

    async def leave(self) -> None:
        """Give up the duty and the chargers, so that others need not wait until the leases run out."""
        await self.duty.yield_now()
        await self.agent.leave()


async def join(
    store: SqlStore, node: RelayNode, name: str, clock: Clock, background: Background, complain: Report
) -> JoinedNode | None:
    """Return this node as one of those that share `store`, before stations are let in; None where none can share it."""
    location = store.location
    if not isinstance(location, PostgresDatabase):
        return None
    from reconciler.adapters.node_seal import NodeSeal  # here, as a server by itself starts without them
    from reconciler.adapters.store.hints import PostgresHints

    mirror = RelayMirror(store, clock)
    start = await store.join(name, clock.now(), LEASE_S)
    hints = PostgresHints(location, complain)
    hints.listen(lambda what: mirror.hint())
    duty = LeasedDuty(store, clock, ACTING, str(start), catch_up=mirror.read)
    agent = NodeAgent(store, node, mirror, start, clock, hints, complain)

    def stir(news: News) -> None:
        for charger in news.chargers:
            node.stirred(charger)  # so that pages show what happens at other nodes, too

    errands = Errands(
        store, str(start), NodeSeal(), clock, hints, mirror.starts, partial(token_hex, 8), background, complain
    )
    hints.listen(errands.told)
    await errands.join()
    stations = FleetStations(node, mirror, errands, clock, background)
    await mirror.read()
    await agent.begin()
    mirror.listen(stir)
    node.holdings = agent
    relay = SharedRelay(store, mirror, duty, clock, hints)
    tap = FleetTap(node.messages, stations, errands, clock, background)
    return JoinedNode(relay, duty, agent, mirror, hints, errands, stations, tap)
