"""Use case operations: what `local` does on a charger, offered, gated, run and remembered.

start ──> gate (owner? online? booted?) ──> journal ──> Machine ──> LocalLine ──> the station's slot
               └── no: OwnedElsewhere, with the toggle that changes it      ──> journal, history
"""

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.chargers_meant import chargers_meant
from reconciler.app.job_files import JobFiles, Upload
from reconciler.app.local_line import Payload
from reconciler.app.operation_events import begun, ended
from reconciler.app.operation_ports import OperationStore, Stations
from reconciler.app.operation_run import OperationRun, Surroundings, lost_to
from reconciler.app.ports import Clock, Metrics
from reconciler.app.tasks import Background, Report
from reconciler.errors import FwdctlError, NotAvailable, OwnedElsewhere, UnknownAddress
from reconciler.local.operations.catalogue import OPERATIONS, operation_named
from reconciler.local.operations.course import BadOrder, Command, Event, Fetched, Heard, Left, Machine, Received
from reconciler.local.operations.gate import offer
from reconciler.local.operations.model import Parameters
from reconciler.local.operations.operation import Operation, Order
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger
from reconciler.model.operations import Offer, OperationOrder, OperationRecord, State

KEPT_RUNS: Final = 200
"""Runs whose progress can be followed after they are done; the store keeps the rest."""
ASK_AGAIN_S: Final = 1.0
"""How often it is looked whether another node's operation is over."""
JOURNAL_AGAIN_S: Final = 5.0
"""How often it is tried to write the end of an operation that the store did not take."""
_REQUEST_IDS_FROM: Final = 1_600_000_000
"""As for transaction numbers: ids stay above those given before a restart."""


class Offers(msgspec.Struct, frozen=True):
    """What can be done on one charger now; `running` are operations under way there."""

    charger: str
    live: LiveCharger | None
    offers: tuple[Offer, ...]
    running: tuple[OperationRecord, ...]


class Operations:
    """Starts operations, follows them, and remembers them.

    Args:
        desired: every charger as it is to run now, by name.
        holder: names this node in the journal, the same after a restart.
        files: what stations fetch and leave; None for none.
    """

    def __init__(
        self,
        store: OperationStore,
        stations: Stations,
        clock: Clock,
        specs: AppliedSpecs,
        desired: Callable[[], Mapping[str, DesiredCharger]],
        background: Background,
        new_id: Callable[[], str],
        metrics: Metrics,
        *,
        report: Report,
        holder: str = "",
        files: JobFiles | None = None,
    ) -> None:
        self._store = store
        self._stations = stations
        self._around = Surroundings(stations.local_line, clock)
        self._clock = clock
        self._specs = specs
        self._desired = desired
        self._background = background
        self._new_id = new_id
        self._metrics = metrics
        self._report = report
        self._holder = holder
        self._files = files
        self._runs: dict[str, OperationRun] = {}
        self._on_charger: dict[str, dict[str, OperationRun]] = {}
        """Charger -> operation -> the run under way."""
        self._connections: dict[str, int] = {}
        """Chargers with runs under way -> the number of the connection that they are on, or that comes next."""
        self._request_ids = itertools.count(int(clock.now().timestamp()) - _REQUEST_IDS_FROM)
        stations.local_line.listen(self._heard)

    async def recover(self) -> tuple[OperationRecord, ...]:
        """Mark what an earlier process of this node left running as interrupted, and return it."""
        return await self._store.interrupt_operations(self._holder, self._clock.now())

    async def interrupt_others(self, alive: Collection[str]) -> None:
        """End as interrupted what nodes left running that are not `alive`; what became of it nobody knows."""
        for holder in await self._store.operation_holders():
            if holder not in alive and holder != self._holder:
                await self._store.interrupt_operations(holder, self._clock.now())

    async def offers(self, charger: str) -> Offers:
        """Return every operation of the charger's OCPP version, and whether it can be done now.

        While it is offline, those of all versions that it is declared for. Raises UnknownAddress.
        """
        name = await self._one(charger)
        desired, live = self._desired_of(name), self._stations.live_charger(name)
        spoken = (live.version,) if live is not None and live.version else desired.versions
        found = tuple(
            offer(operation, desired, live, files=self._has_files)
            for operation in OPERATIONS.values()
            if any(version in operation.actions for version in spoken)
        )
        return Offers(name, live, found, tuple(run.record for run in self._on_charger.get(name, {}).values()))

    async def start(self, order: OperationOrder) -> OperationRun:
        """Start an operation and return it; it needs nobody to wait for it.

        Raises UnknownAddress for a charger or operation that is not there, FwdctlError for parameters that are wrong,
        OwnedElsewhere where another back-end owns the feature, NotAvailable where it can't be done now. Then nothing
        was begun.
        """
        operation = operation_named(order.operation)
        name = await self._one(order.charger)
        parameters = operation.read(order.parameters)
        if not self._offer(operation, name).available:
            await self._stations.catch_up(name)  # what forbids it may be over, at another node
        self._refuse(operation, name)
        job = self._new_id()
        record = OperationRecord(
            id=job,
            charger=name,
            operation=operation.name,
            feature=operation.feature,
            parameters=parameters.shown(),
            actor=order.actor,
            reason=order.reason,
            started_at=self._clock.now(),
            holder=self._holder,
            batch=order.batch,
        )
        transaction = await self._transaction(name, getattr(parameters, "transaction", None))
        self._refuse(operation, name)  # things may have changed meanwhile
        machine, commands = self._machine(operation, name, parameters, job, transaction)
        run = OperationRun(record, machine, self._around)
        self._under_way(run)
        try:
            await self._stations.attend(name)
            await self._store.put_operation(record, begun(record))
        except BaseException:
            self._over(run)
            raise
        self._background.start(self._carry_out(run, commands), name=f"operation {record.id}")
        return run

    def _machine(
        self, operation: Operation, charger: str, parameters: Parameters, job: str, transaction: str
    ) -> tuple[Machine, list[Command]]:
        """Return an operation's machine, and what it wants first."""
        machine = Machine(operation.course(self._ordered(operation, charger, parameters, job, transaction)))
        try:
            return machine, machine.start(self._clock.monotonic_s())
        except BadOrder as wrong:
            self._close_files(job)
            hint = f"fwdctl op {charger} {operation.name} --help"
            raise FwdctlError(f"{operation.name}: {wrong}", hint=hint) from wrong

    async def find(self, operation_id: str) -> OperationRun | OperationRecord:
        """Return an operation: the run where this process has it, else its record. Raises UnknownAddress."""
        run = self._runs.get(operation_id)
        if run is not None:
            return run
        record = await self._store.operation(operation_id)
        if record is None:
            raise UnknownAddress(f"there is no operation {operation_id}", hint="fwdctl history --kind operation")
        return record

    async def follow(self, operation_id: str, seen: int, wait_s: float) -> OperationRecord:
        """Return an operation once there are more than `seen` lines or it is done, at the latest after `wait_s`.

        Of one that another node runs only its end is seen here. Raises UnknownAddress.
        """
        until_s = self._clock.monotonic_s() + wait_s
        while not isinstance(found := await self.find(operation_id), OperationRun):
            left_s = until_s - self._clock.monotonic_s()
            if found.done or left_s <= 0:
                return found
            await asyncio.sleep(min(ASK_AGAIN_S, left_s))
        await found.wait_for_news(seen, wait_s)
        return found.record

    async def recent(self, charger: str | None, limit: int = 50) -> tuple[OperationRecord, ...]:
        """Return the newest operations on a charger, or on all, as they stand now. Raises UnknownAddress."""
        name = None if charger is None else await self._one(charger)
        kept = await self._store.operations(name, limit)
        return tuple(self._runs[record.id].record if record.id in self._runs else record for record in kept)

    async def meant(self, patterns: Sequence[str], select: Mapping[str, str]) -> list[str]:
        """Return the names of the chargers meant by names, globs and labels, sorted. Raises UnknownAddress."""
        site = (await self._specs.current()).site
        names = chargers_meant(site, patterns) if patterns else sorted(site.chargers)
        found = [name for name in names if select.items() <= site.chargers[name].labels.items()]
        if not found:
            labels = ", ".join(f"{key}={value}" for key, value in select.items())
            raise UnknownAddress(f"no charger has the labels {labels}", hint="fwdctl dump shows all labels")
        return found

    def charger_changed(self, charger: str) -> None:
        """Look at a charger that connected, left or changed owners: runs on it may have to know."""
        runs = self._on_charger.get(charger)
        if not runs:
            return
        live = self._stations.live_charger(charger)
        expected = 0 if live is None else live.connections + (not live.connected)
        if expected != self._connections.get(charger):
            self._connections[charger] = expected
            for run in runs.values():
                run.tell(Left())
        if live is not None and live.connected:
            desired = self._desired_of(charger)
            for run in runs.values():
                found = offer(OPERATIONS[run.record.operation], desired, live, files=True)
                if found.owned_elsewhere:
                    lost_to(run, found.owner)

    # -- the parts -------------------------------------------------------------------------------------------------

    @property
    def _has_files(self) -> bool:
        return self._files is not None and self._files.is_open

    async def _one(self, charger: str) -> str:
        """Return the name of one charger; raises UnknownAddress where it is none, or several."""
        site = (await self._specs.current()).site
        name = charger.removeprefix("charger.")
        if name in site.chargers:
            return name
        names = chargers_meant(site, [charger])
        if len(names) > 1:
            raise UnknownAddress(f"{charger} means {len(names)} chargers", hint="name one, or use --select")
        return names[0]

    def _desired_of(self, charger: str) -> DesiredCharger:
        desired = self._desired().get(charger)
        if desired is None:
            raise UnknownAddress(f"{charger} does not run yet", hint="try again in a moment: fwdctl status")
        return desired

    def _offer(self, operation: Operation, charger: str) -> Offer:
        live = self._stations.live_charger(charger)
        return offer(operation, self._desired_of(charger), live, files=self._has_files)

    def _refuse(self, operation: Operation, charger: str) -> None:
        found = self._offer(operation, charger)
        details = {
            "charger": charger,
            "operation": operation.name,
            "feature": operation.feature,
            "owner": found.owner,
            "way_out": found.way_out,
        }
        if not found.available:
            self._metrics.count("operations", operation=operation.name, outcome="refused")
            kind = OwnedElsewhere if found.owned_elsewhere else NotAvailable
            raise kind(found.reason, hint=found.way_out, details=details)
        other = self._on_charger.get(charger, {}).get(operation.name)
        if other is not None:
            by = f" of {other.record.actor}" if other.record.actor else ""
            details["way_out"] = f"fwdctl op {charger} --follow {other.record.id}"
            raise NotAvailable(
                f"{operation.name}{by} is under way on {charger}", hint=details["way_out"], details=details
            )

    def _ordered(self, operation: Operation, charger: str, parameters: Any, job: str, transaction: str) -> Order:
        live = self._stations.live_charger(charger)
        assert live is not None  # else it was refused
        facts = {"transaction": transaction}
        url = ""
        if operation.file == "serves":
            url, more = self._served(parameters.file, job)
            facts |= more
        elif operation.file == "receives":
            url = self._received(charger, job)
        return Order(
            version=live.version or "",
            parameters=parameters,
            request_id=next(self._request_ids),
            now=self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            url=url,
            facts=facts,
        )

    def _served(self, name: str, job: str) -> tuple[str, dict[str, str]]:
        """Return the URL of a file on the shelf, and what a course has to know of it; raises UnknownAddress."""
        assert self._files is not None  # else it was refused
        file = self._files.shelf.file(name)
        url = self._files.serve(job, name, lambda: self._tell(job, Fetched()))
        return url, {"sha256": file.sha256, "signature": file.signature, "certificate": file.certificate}

    def _received(self, charger: str, job: str) -> str:
        """Return the URL for an upload of the job."""
        assert self._files is not None  # else it was refused

        def received(upload: Upload) -> None:
            self._tell(job, Received(upload.id, upload.name, upload.size))

        return self._files.receive(job, charger, received)

    def _tell(self, job: str, event: Event) -> None:
        run = self._runs.get(job)
        if run is not None:
            run.tell(event)

    def _close_files(self, job: str) -> None:
        if self._files is not None:
            self._files.close(job)

    async def _transaction(self, charger: str, given: str | None) -> str:
        """Return the id of the transaction meant, as `local` is to write it; "" where it is not clear which."""
        live = self._stations.live_charger(charger)
        if given is None or live is None:
            return ""
        only = live.transactions[0].id if len(live.transactions) == 1 else ""
        chosen = given or only
        return await self._stations.transaction_for_local(charger, chosen) if chosen else ""

    def _under_way(self, run: OperationRun) -> None:
        charger = run.record.charger
        live = self._stations.live_charger(charger)
        self._runs[run.record.id] = run
        self._on_charger.setdefault(charger, {})[run.record.operation] = run
        self._connections.setdefault(charger, live.connections if live else 0)
        over = [id_ for id_, old in self._runs.items() if old.record.done]
        for id_ in over[: max(0, len(self._runs) - KEPT_RUNS)]:
            del self._runs[id_]

    def _over(self, run: OperationRun) -> None:
        charger = run.record.charger
        self._close_files(run.record.id)
        runs = self._on_charger.get(charger, {})
        if runs.get(run.record.operation) is run:
            del runs[run.record.operation]
        if not runs:
            self._on_charger.pop(charger, None)
            self._connections.pop(charger, None)

    async def _carry_out(self, run: OperationRun, commands: list[Command]) -> None:
        try:
            over = await self._ended(run, commands)
            try:
                await self._store.put_operation(over, ended(over))
            except FwdctlError as error:
                self._report(f"the end of operation {over.id}", error)
                self._background.start(self._journal_late(over), name=f"the end of operation {over.id}")
        finally:
            run.end(State.INTERRUPTED, "the server stopped meanwhile")  # unless it had come to its end
            run.conclude()
            self._metrics.count("operations", operation=run.record.operation, outcome=run.record.state.value)
            self._over(run)
            self._background.start(self._stations.turn_away(run.record.charger), name="an ear")

    async def _journal_late(self, over: OperationRecord) -> None:
        """Write the end of an operation once the store is back: it would be under way for everybody else."""
        while True:
            await asyncio.sleep(JOURNAL_AGAIN_S)
            with suppress(FwdctlError):  # it was told once
                await self._store.put_operation(over, ended(over))
                return

    async def _ended(self, run: OperationRun, commands: list[Command]) -> OperationRecord:
        try:
            return await run.go(commands)
        except Exception as error:  # noqa: BLE001 - whoever follows must learn that it ended
            what = f"operation {run.record.id}"
            self._report(what, error)
            return run.end(State.FAILED, f"the server failed unexpectedly; its log has it under {what}")

    def _heard(self, charger: str, action: str, payload: Payload) -> None:
        for run in self._on_charger.get(charger, {}).values():
            run.tell(Heard(action, payload))
