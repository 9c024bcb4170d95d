"""The reconciler: all use cases wired together; what the admin API and `fwdctl serve` are given."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.app.accepted_applies import AcceptedApplies
from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.applying import Applying, ApplyRequest, ApplyResult, OnProgress
from reconciler.app.charger_reach import ChargerReach
from reconciler.app.controller import Controller
from reconciler.app.delivering import Courier
from reconciler.app.drifting import Drifting, DriftReport
from reconciler.app.dumping import Newcomer, dump, newcomers, undeclared
from reconciler.app.duty import Duty, SoleDuty
from reconciler.app.explaining import Explaining
from reconciler.app.failover_desk import FailoverDesk
from reconciler.app.job_files import JobFiles
from reconciler.app.load_control import Journal, LimitStore, Line, LoadControl
from reconciler.app.load_facts import Slots
from reconciler.app.load_stations import LoadStations
from reconciler.app.notification_reach import Reach
from reconciler.app.notifications import Notifications, NotificationStore
from reconciler.app.notifying import Notifier
from reconciler.app.operation_ports import OperationStore, Stations
from reconciler.app.operations import Operations
from reconciler.app.outage_desk import OutageDesk
from reconciler.app.pausing import Pausing
from reconciler.app.planning import Planning, PlanRequest
from reconciler.app.ports import Clock, HistoryFilter, Lock, Metrics, RelayPort, Retained, Secrets, Store
from reconciler.app.rollout import StopRequest
from reconciler.app.showing import Showing, Shown
from reconciler.app.status import ChargerStatus, Status
from reconciler.app.tasks import Background, Report
from reconciler.app.toggling import ToggleRequest, ToggleResult, Toggling
from reconciler.errors import FwdctlError
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LiveCharger
from reconciler.model.notices import Delivery, OutageNotice
from reconciler.model.overrides import Override
from reconciler.model.plan import Effect, Plan
from reconciler.model.rollouts import Rollout, Step
from reconciler.model.site import Site
from reconciler.planning.explain import Explanation
from reconciler.planning.guard import Limits
from reconciler.planning.notices import REMEMBERED
from reconciler.planning.scope import Scope


class Reconciler:
    """The use cases over one store and one relay; `new_id` gives unique texts, `report` hears what went wrong.

    `node` names this server, the same after a restart; `chance` gives numbers in 0..1.
    """

    def __init__(
        self,
        store: Store,
        relay: RelayPort,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        report: Report,
        secrets: Secrets | None = None,
        duty: Duty | None = None,
        node: str = "",
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._store = store
        self._relay = relay
        self._clock = clock
        self._report = report
        self._specs = AppliedSpecs(store)
        self.duty = duty or SoleDuty()
        """To act for all nodes: to steer chargers and to tell partners."""
        self.controller = Controller(store, relay, clock, self._specs, self.duty, report)
        self._planning = Planning(store, relay, clock, self._specs, self.controller, new_id, secrets)
        node = node or new_id()
        self.accepted = AcceptedApplies(store, clock, node)
        """The applies that wait to begin, of all servers."""
        self._applying = Applying(
            store,
            clock,
            self._specs,
            self._planning,
            self.controller,
            new_id,
            node=node,
            chance=chance,
            report=report,
        )
        self._toggling = Toggling(store, relay, clock, self._specs, self.controller, new_id)
        self.outages = OutageDesk(store, relay, clock, self._specs, self.controller, new_id)
        self.failovers = FailoverDesk(store, clock, self._specs, self.controller)
        self.reach = ChargerReach(self._specs)
        self.pausing = Pausing(store, clock, self._specs, self.controller)
        self._explaining = Explaining(store, clock, self._specs, self.controller)
        self._showing = Showing(store, clock, self._specs)
        self._status = Status(self._specs, relay, self.controller)
        self._drifting = Drifting(store, self._status, self.controller)
        self.load: LoadControl | None = None
        """What keeps load policies, where this process does."""
        self.told: Notifications | None = None
        """What tells people by notification rules, where this process does."""

    async def start(self) -> None:
        """Tell the relay what every applied charger is to run; to be awaited before stations are let in."""
        await self._specs.load()
        await self.duty.keep()
        await self.accepted.forsake()
        await self._applying.recall()
        await self.controller.tick(self._clock.now())

    async def run(self) -> None:
        """Run the controller loop until cancelled."""
        await self.controller.run()

    def wake(self, *chargers: str) -> None:
        """Make the controller look now, at these chargers or at all; for example because a station connected."""
        self.controller.wake(*chargers)

    async def plan(self, request: PlanRequest) -> Plan:
        """See Planning.plan."""
        return await self._planning.plan(request)

    async def known_texts(self, digests: Sequence[str]) -> list[str]:
        """See SpecTexts.known."""
        return await self._planning.texts.known(digests)

    async def moved_since(self, plan: Plan) -> tuple[str, ...]:
        """Return the addresses on which a plan rests that changed since it was made; then it can't be applied."""
        versions = (await self._specs.newest()).versions
        return tuple(address for address, version in plan.basis.items() if versions.get(address, 0) != version)

    async def plan_back_to(self, revision: int, scope: Scope, limits: Limits) -> Plan:
        """See Planning.back_to."""
        return await self._planning.back_to(revision, scope, limits)

    async def show(self, address: str, *, at: datetime | None = None, revision: int | None = None) -> Shown:
        """See Showing.show."""
        return await self._showing.show(address, at=at, revision=revision)

    async def accept(self, request: ApplyRequest) -> None:
        """See AcceptedApplies.accept."""
        await self.accepted.accept(request)

    async def refuse(self, id: str, error: FwdctlError) -> None:
        """See AcceptedApplies.refuse."""
        await self.accepted.refuse(id, error)

    async def apply(
        self,
        request: ApplyRequest,
        on_progress: OnProgress = lambda progress: None,
        stop: StopRequest | None = None,
    ) -> ApplyResult:
        """See Applying.apply."""
        return await self._applying.apply(request, on_progress, stop)

    async def resume(
        self,
        rollout: Rollout,
        on_progress: OnProgress = lambda progress: None,
        stop: StopRequest | None = None,
    ) -> ApplyResult:
        """See Applying.resume."""
        return await self._applying.resume(rollout, on_progress, stop)

    async def orphans(self) -> tuple[Rollout, ...]:
        """See Applying.orphans."""
        return await self._applying.orphans()

    async def rollout(self, id: str) -> Rollout | None:
        """Return an apply as it is in the journal, None where there is none of that id."""
        return await self._store.rollout(id)

    async def rollout_steps(self, id: str) -> tuple[Step, ...]:
        """Return an apply's chargers as they are in the journal, by name."""
        return await self._store.rollout_steps(id)

    async def status(self, address: str | None = None) -> tuple[ChargerStatus, ...]:
        """See Status.chargers."""
        return await self._status.chargers(address)

    async def drift(self, address: str | None = None) -> DriftReport:
        """See Drifting.report."""
        return await self._drifting.report(address)

    async def site(self) -> Site:
        """Return everything that is applied, resolved."""
        return (await self._specs.newest()).site

    async def dump(self) -> tuple[Mapping[str, Any], ...]:
        """See dumping.dump."""
        return await dump(self._specs)

    async def newcomers(self) -> tuple[Newcomer, ...]:
        """Return the stations that knocked and are not declared, each with the spec that would declare it."""
        return newcomers((await self._specs.newest()).site, await self._store.strangers())

    async def strangers(self) -> int:
        """Return how many stations knocked lately and are not declared."""
        return len(undeclared((await self._specs.newest()).site, await self._store.strangers()))

    async def toggle(self, request: ToggleRequest) -> ToggleResult:
        """See Toggling.toggle."""
        return await self._toggling.toggle(request)

    async def preview_toggle(self, chargers: Sequence[str], primary: str) -> tuple[Effect, ...]:
        """See Toggling.preview."""
        return await self._toggling.preview(chargers, primary)

    async def end_toggle(self, chargers: Sequence[str], *, actor: str) -> ToggleResult:
        """See Toggling.end."""
        return await self._toggling.end(chargers, actor=actor)

    async def extend_toggle(self, chargers: Sequence[str], *, by_s: float, reason: str, actor: str) -> ToggleResult:
        """See Toggling.extend."""
        return await self._toggling.extend(chargers, by_s=by_s, reason=reason, actor=actor)

    async def toggles(self) -> tuple[Override, ...]:
        """See Toggling.toggles."""
        return await self._toggling.toggles()

    async def explain(self, charger: str, at: datetime | None = None) -> Explanation:
        """See Explaining.explain."""
        return await self._explaining.explain(charger, at)

    def operations(
        self,
        kept: OperationStore,
        stations: Stations,
        background: Background,
        new_id: Callable[[], str],
        metrics: Metrics,
        *,
        holder: str,
        files: JobFiles | None = None,
    ) -> Operations:
        """Return what has `local` operate chargers; `holder` names this node, the same after a restart."""
        return Operations(
            kept,
            stations,
            self._clock,
            self._specs,
            lambda: self.controller.desired,
            background,
            new_id,
            metrics,
            report=self._report,
            holder=holder,
            files=files,
        )

    def live(self) -> Mapping[str, LiveCharger]:
        """Return how every charger runs, wherever it is connected."""
        return self._relay.live()

    def load_control(
        self,
        limits: LimitStore,
        stations: LoadStations,
        line: Line,
        journal: Journal,
        metrics: Metrics,
        background: Background,
    ) -> LoadControl:
        """Return what keeps load policies."""
        self.load = LoadControl(
            limits,
            stations,
            line,
            self._clock,
            self._specs,
            journal,
            metrics,
            background,
            duty=self.duty,
            report=self._report,
        )
        return self.load

    def notifications(
        self,
        kept: NotificationStore,
        slots: Slots,
        load: LoadControl,
        couriers: Mapping[str, Courier],
        metrics: Metrics,
        *,
        contact: str,
        reach: Reach | None = None,
    ) -> Notifications:
        """Return what tells people by notification rules; arguments as of `notifier`."""
        self.told = Notifications(
            kept,
            slots,
            load,
            self._clock,
            self._specs,
            couriers,
            metrics,
            duty=self.duty,
            contact=contact,
            report=self._report,
            reach=reach,
        )
        return self.told

    def notifier(self, couriers: Mapping[str, Courier], *, contact: str) -> Notifier:
        """Return what tells partners about outages; `couriers` by kind of recipient, `contact` is whom to ask."""
        return Notifier(
            self._store, self._clock, self._specs, couriers, duty=self.duty, contact=contact, report=self._report
        )

    async def undelivered(self) -> tuple[OutageNotice, ...]:
        """Return the notices that were claimed and have not arrived, of outages that are of interest still."""
        told = await self._store.notices(self._clock.now() - REMEMBERED)
        return tuple(notice for notice in told if notice.status in (Delivery.PENDING, Delivery.FAILED))

    async def history(self, wanted: HistoryFilter) -> tuple[HistoryEvent, ...]:
        """Return matching events, newest first."""
        return await self._store.history(wanted)

    async def retained(self) -> Retained:
        """Return how far back revisions and history go."""
        return await self._store.retained()

    async def lock(self) -> Lock | None:
        """Return the apply lock as held now, None where it is free."""
        return await self._store.lock(self._clock.now())

    async def break_lock(self) -> Lock | None:
        """Free the apply lock whoever holds it, and return what was held."""
        return await self._store.break_lock()
