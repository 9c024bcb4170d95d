"""Wires what `local` does beside answering stations: operations, load policies, notifications; over all nodes."""

import secrets
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

import structlog

from reconciler.adapters.store import SqlStore
from reconciler.app.delivering import Courier
from reconciler.app.job_files import JobFiles
from reconciler.app.load_control import Line
from reconciler.app.load_stations import FleetLoads, LoadStations, OwnLoads
from reconciler.app.node import RelayNode
from reconciler.app.notification_reach import FleetReach
from reconciler.app.notifications import Notifications
from reconciler.app.operation_ports import Stations
from reconciler.app.operation_relief import relieve_for_ever
from reconciler.app.operations import Operations
from reconciler.app.own_stations import OwnStations
from reconciler.app.ports import Clock, Metrics
from reconciler.app.reconciler import Reconciler
from reconciler.app.recorder import Recorder
from reconciler.app.relay_mirror import News
from reconciler.app.tasks import Background, Report
from reconciler.cli.nodes import JoinedNode

Work = tuple[str, Coroutine[Any, Any, None]]
"""What has to run for as long as the server does, by name."""

_log = structlog.get_logger("serve")


class LocalParts:
    """The parts of `local`, over the stations of this process, or of all nodes where there are several."""

    def __init__(
        self,
        reconciler: Reconciler,
        store: SqlStore,
        node: RelayNode,
        joined: JoinedNode | None,
        clock: Clock,
        metrics: Metrics,
        background: Background,
        report: Report,
    ) -> None:
        self._reconciler = reconciler
        self._store = store
        self._node = node
        self._joined = joined
        self._clock = clock
        self._metrics = metrics
        self._background = background
        self._report = report
        self._stations: Stations = OwnStations(node, clock) if joined is None else joined.stations

    async def operations(self, files: JobFiles, *, holder: str) -> Operations:
        """Return what has `local` operate chargers, once what a killed process left running is marked as such."""
        new_id = partial(secrets.token_hex, 4)
        operations = self._reconciler.operations(
            self._store, self._stations, self._background, new_id, self._metrics, holder=holder, files=files
        )
        for record in await operations.recover():
            _log.warning("operation interrupted", id=record.id, charger=record.charger, operation=record.operation)
        steer = self._node.changed

        def changed(charger: str) -> None:
            steer(charger)
            operations.charger_changed(charger)

        def read(news: News) -> None:
            for charger in news.chargers:
                operations.charger_changed(charger)

        self._node.changed = changed
        if self._joined is not None:
            self._joined.mirror.listen(read)
        return operations

    def relief(self, operations: Operations) -> tuple[Work, ...]:
        """Return what tells of operations, and of applies that wait, whose node is gone."""
        joined = self._joined
        if joined is None:
            return ()
        duty, alive, report = self._reconciler.duty, joined.mirror.nodes, self._report
        return (
            ("operations of nodes that are gone", relieve_for_ever(operations, duty, alive, report)),
            ("applies of nodes that are gone", relieve_for_ever(self._reconciler.accepted, duty, alive, report)),
        )

    def rules(
        self, couriers: Mapping[str, Courier], recorder: Recorder, *, contact: str
    ) -> tuple[Notifications, tuple[Work, ...]]:
        """Have `local` keep load policies and tell people by notification rules; return who tells, too."""
        node, reconciler, metrics = self._node, self._reconciler, self._metrics
        loads, line = self._loads()
        load = reconciler.load_control(self._store, loads, line, recorder, metrics, self._background)
        if isinstance(loads, FleetLoads):
            loads.meter_of = load.meter_of
        reach = None if self._joined is None else FleetReach(self._joined.stations, self._joined.errands)
        told = reconciler.notifications(self._store, node, load, couriers, metrics, contact=contact, reach=reach)
        if reach is not None:
            reach.here = told.standing
        node.local_line.listen(load.heard)
        node.local_line.listen(told.heard)
        before = node.changed

        def changed(charger: str) -> None:
            before(charger)
            load.wake(charger)
            told.changed(charger)

        def read(news: News) -> None:
            for charger in news.chargers:
                load.wake(charger)
                if self._joined is not None and self._joined.stations.elsewhere(charger):
                    told.moved(charger)

        node.changed = changed
        if self._joined is not None:
            self._joined.mirror.listen(read)
        node.security.noticed = told.noticed
        return told, (("load control", load.run()), ("notifications", told.run()), ("moments", told.moments.run()))

    def _loads(self) -> tuple[LoadStations, Line]:
        """Return the chargers of load policies, and the line to them."""
        joined, node = self._joined, self._node
        if joined is None:
            return OwnLoads(node), node.local_line
        loads = FleetLoads(node, joined.stations, joined.errands, self._clock, joined.agent.changed)
        return loads, joined.stations.local_line
