"""Load control: keeps every LoadPolicy's sum within its limit, on the one node that has the duty.

    applied policies ──┐
    sessions, meters ──┼─> Balance.look (pure) ──> highest limits stored ──> SetChargingProfile ──> answered ──┐
                       └────────────────────────────<── woken by transactions, owners, answers ────────────────┘

What a station may keep to is stored before a raise is sent, so that a restart does not reckon with less.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import msgspec

from reconciler.app.applied_specs import AppliedSpecs
from reconciler.app.duty import Duty
from reconciler.app.load_facts import terms_of
from reconciler.app.load_stations import LoadStations
from reconciler.app.ports import Clock, Metrics
from reconciler.app.tasks import Background, Report
from reconciler.errors import FwdctlError
from reconciler.local.load.allotments import Outcome
from reconciler.local.load.balance import Balance
from reconciler.local.load.facts import ChargerLoad, PolicyLoad, SetLimit, Step
from reconciler.local.load.metering import Meter
from reconciler.local.load.profiles import Call, clear_foreign, clear_limit, set_limit
from reconciler.model.history import HistoryEvent
from reconciler.model.local_rules import LoadPolicy

_TOLD_EVERY: Final = timedelta(minutes=5)
SAMPLE_S: Final = 15.0
SAMPLES_MAX: Final = 1440
"""Six hours."""
_ORPHAN_RETRY_S: Final = 60.0
_HEARD: Final = frozenset({"MeterValues", "StartTransaction", "StopTransaction", "TransactionEvent"})


class Answer(Protocol):
    """A station's answer to a CALL of `local`: a payload, or the reason why there is none."""

    @property
    def payload(self) -> Mapping[str, Any] | None:
        """The CALLRESULT's payload."""

    @property
    def error(self) -> str:
        """Why there is no payload."""


class Line(Protocol):
    """The line between `local` and the stations."""

    async def ask(self, charger: str, action: str, payload: Mapping[str, Any]) -> Answer:
        """Send the station a CALL as `local` and return its answer."""


class LimitStore(Protocol):
    """What is durable of load management."""

    async def load_limits(self) -> Mapping[str, float]:
        """Return charger -> the highest limit of ours that may stand there, in W."""

    async def put_load_limits(self, limits: Mapping[str, float | None]) -> None:
        """Store these limits; None: there is none any more."""


class Journal(Protocol):
    """Takes events of history."""

    def event(self, event: HistoryEvent) -> None:
        """Put an event into history, soon."""


class LoadSample(msgspec.Struct, frozen=True):
    """A policy at one moment, for a chart; power in W."""

    at: datetime
    limit_w: float
    counted_w: float
    measured_w: float


class _Policy:
    """One policy at work."""

    def __init__(self, policy: LoadPolicy, balance: Balance) -> None:
        self.policy = policy
        self.balance = balance
        self.samples: deque[LoadSample] = deque(maxlen=SAMPLES_MAX)
        self.sampled_at_s = float("-inf")
        self.is_kept = True
        self.set = 0
        self.refused = 0
        self.told_at: datetime | None = None


class LoadControl:
    """All load policies; while another node has the duty it keeps meters for that one, and does nothing else."""

    def __init__(
        self,
        store: LimitStore,
        stations: LoadStations,
        line: Line,
        clock: Clock,
        specs: AppliedSpecs,
        journal: Journal,
        metrics: Metrics,
        background: Background,
        *,
        duty: Duty,
        report: Report,
    ) -> None:
        self._store = store
        self._stations = stations
        self._line = line
        self._clock = clock
        self._specs = specs
        self._journal = journal
        self._metrics = metrics
        self._background = background
        self._duty = duty
        self._report = report
        self._policies: dict[str, _Policy] = {}
        self._meters: dict[str, Meter] = {}
        self._stored: dict[str, float] | None = None
        self._orphans_tried_s: dict[str, float] = {}
        self._woken = asyncio.Event()

    # -- what it hears -----------------------------------------------------------------------------------------

    def heard(self, charger: str, action: str, payload: Mapping[str, Any]) -> None:
        """Take a CALL of a station, as `local` got it; one of no policy costs a look-up."""
        meter = self._meters.get(charger)
        if meter is not None and action in _HEARD:
            meter.take(action, payload, self._clock.now(), self._clock.monotonic_s())
            if self._duty.held:
                self._woken.set()
            elif action != "MeterValues":
                self._stations.stir(charger)

    def meter_of(self, charger: str) -> Meter | None:
        """Return the meter of a charger of a policy, kept at every node for the one that acts."""
        return self._meters.get(charger)

    def wake(self, charger: str = "") -> None:
        """Look soon: a charger came, left or changed hands."""
        if not charger or charger in self._meters:
            self._woken.set()

    # -- what it says ------------------------------------------------------------------------------------------

    def pictures(self) -> tuple[PolicyLoad, ...]:
        """Return how each policy stands, by name; nothing where another node has the duty."""
        now_s = self._clock.monotonic_s()
        return tuple(found.balance.picture(now_s) for _, found in sorted(self._policies.items()))

    def of_charger(self, charger: str) -> tuple[str, ChargerLoad] | None:
        """Return the policy of a charger and how the charger stands in it."""
        for picture in self.pictures() if charger in self._meters else ():
            for load in picture.chargers:
                if load.charger == charger:
                    return picture.name, load
        return None

    def samples(self, policy: str) -> tuple[LoadSample, ...]:
        """Return the last six hours of a policy, oldest first, one sample every 15 s; nothing where there is none."""
        found = self._policies.get(policy)
        return tuple(found.samples) if found is not None else ()

    # -- the loop ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look for ever: when woken, and when something changes by itself."""
        while True:
            self._woken.clear()
            nap_s = SAMPLE_S
            try:
                nap_s = await self.look()
            except Exception as error:  # noqa: BLE001 - the store may be away for a while, the loop may not
                self._report("load control", error)
            try:
                async with asyncio.timeout(nap_s):
                    await self._woken.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(self._stations.gather_s)

    async def look(self) -> float:
        """Look once, and ask what is to be asked; return after how many seconds to look again."""
        site = (await self._specs.newest()).site
        if not site.load_policies and not self._policies and self._stored == {}:
            return SAMPLE_S
        if not self._duty.held:
            self._policies, self._stored = {}, None
            self._keep_meters(site.load_policies)
            return SAMPLE_S
        if self._stored is None:
            self._stored = dict(await self._store.load_limits())
        self._adopt(site.load_policies)
        stale_s = dict.fromkeys(self._stored, SAMPLE_S)
        for policy in site.load_policies:
            stale_s |= dict.fromkeys((member.charger for member in policy.members), policy.stale_s)
        await self._stations.refresh(stale_s)
        now_s = self._clock.monotonic_s()
        steps: list[tuple[_Policy, Step]] = []
        for found in self._policies.values():
            steps += [(found, step) for step in self._look_at(found, now_s)]
        await self._keep(steps)
        for found, step in steps:
            self._carry_out(found, step)
        await self._withdraw_orphans(now_s)
        return self._conclude(now_s)

    def _adopt(self, policies: tuple[LoadPolicy, ...]) -> None:
        """Go by these policies from now on; a charger that is in one keeps its meter."""
        stored = self._stored or {}
        self._keep_meters(policies)
        adopted = {}
        for policy in policies:
            found = self._policies.get(policy.name) or _Policy(policy, Balance(terms_of(policy), stored.get))
            found.policy = policy
            found.balance.retune(terms_of(policy))
            adopted[policy.name] = found
        self._policies = adopted

    def _keep_meters(self, policies: tuple[LoadPolicy, ...]) -> None:
        members = {member.charger for policy in policies for member in policy.members}
        self._meters = {name: self._meters.get(name) or Meter() for name in members}

    def _look_at(self, found: _Policy, now_s: float) -> tuple[Step, ...]:
        stations, meters = self._stations, self._meters
        facts = [
            stations.facts(member, meters[member.charger], now_s, found.policy.stale_s)
            for member in found.policy.members
        ]
        return found.balance.look(facts, now_s)

    async def _keep(self, steps: list[tuple[_Policy, Step]]) -> None:
        """Store the limits that may stand from now on; where that fails, nothing that gives power is sent."""
        assert self._stored is not None
        now_limits = {
            name: watts for found in self._policies.values() for name, watts in found.balance.durable().items()
        }
        changed = {name: watts for name, watts in now_limits.items() if watts != self._stored.get(name)}
        if not changed:
            return
        try:
            await self._store.put_load_limits(changed)
        except FwdctlError as error:
            self._report("load control", error)
            for found, step in list(steps):
                stored_w = self._stored.get(step.charger)
                if isinstance(step, SetLimit) and not step.first and stored_w is not None and step.watts > stored_w:
                    found.balance.answered(step.charger, "rejected", self._clock.monotonic_s(), "the store is away")
                    steps.remove((found, step))
            return
        for name, watts in changed.items():
            if watts is None:
                self._stored.pop(name, None)
            else:
                self._stored[name] = watts

    def _carry_out(self, found: _Policy, step: Step) -> None:
        if isinstance(step, SetLimit):
            self._background.start(self._set(found, step), name=f"load limit of {step.charger}")
        else:
            self._stations.disown(step.charger)

    async def _set(self, found: _Policy, step: SetLimit) -> None:
        """Set a limit, and tell the balance what became of it, whatever that is."""
        outcome: Outcome = "lost"
        problem = "nothing was asked"
        try:
            version = self._stations.version(step.charger)
            if version:
                if step.first:
                    await self._ask(step.charger, clear_foreign(version))
                call = set_limit(version, step.watts, self._clock.now(), amperes_at_v=found.policy.amperes_at_v)
                answer = await self._ask(step.charger, call)
                outcome, problem = _outcome(answer)
        finally:
            found.balance.answered(step.charger, outcome, self._clock.monotonic_s(), problem)
            self._metrics.count("load_limits_set", outcome=outcome)
            found.set += outcome == "accepted"
            found.refused += outcome != "accepted"
            self._woken.set()

    async def _ask(self, charger: str, call: Call) -> Answer:
        return await self._line.ask(charger, *call)

    async def _withdraw_orphans(self, now_s: float) -> None:
        """Take away the limits of chargers that are in no policy any more."""
        assert self._stored is not None
        gone: dict[str, float | None] = {}
        for name in self._stored.keys() - self._meters.keys():
            orphan = self._stations.orphan(name)
            if orphan == "gone":
                gone[name] = None
            elif orphan != "waits" and now_s >= self._orphans_tried_s.get(name, 0.0):
                self._orphans_tried_s[name] = now_s + _ORPHAN_RETRY_S
                if orphan == "disown":
                    self._stations.disown(name)
                else:
                    version = self._stations.version(name)
                    self._background.start(self._clear(name, version), name=f"load limit of {name}")
        if gone:
            await self._store.put_load_limits(gone)
            for name in gone:
                self._stored.pop(name, None)
                self._orphans_tried_s.pop(name, None)

    async def _clear(self, charger: str, version: str) -> None:
        await self._ask(charger, clear_limit(version))
        self._woken.set()

    # -- telling -----------------------------------------------------------------------------------------------

    def _conclude(self, now_s: float) -> float:
        """Sample and tell; return after how many seconds to look again."""
        nap_s = SAMPLE_S
        for found in self._policies.values():
            picture = found.balance.picture(now_s)
            self._metrics.gauge("load_limit_watts", picture.limit_w, policy=picture.name)
            self._metrics.gauge("load_counted_watts", picture.counted_w, policy=picture.name)
            if now_s >= found.sampled_at_s + SAMPLE_S:
                found.sampled_at_s = now_s
                sample = LoadSample(self._clock.now(), picture.limit_w, picture.counted_w, picture.measured_w)
                found.samples.append(sample)
            self._tell(found, picture, now_s)
            nap_s = min(nap_s, max(0.1, found.balance.next_change_s(now_s) - now_s))
        return nap_s

    def _tell(self, found: _Policy, picture: PolicyLoad, now_s: float) -> None:
        now = self._clock.now()
        if picture.is_kept != found.is_kept and (picture.is_kept or not found.balance.is_moving(now_s)):
            found.is_kept = picture.is_kept
            sums = f"{picture.counted_w / 1000:.1f} of {picture.limit_w / 1000:g} kW may be drawn"
            kind = "load-kept" if picture.is_kept else "load-exceeded"
            self._journal.event(HistoryEvent(now, kind, f"load-policy.{picture.name}: {sums}"))
        if (found.set or found.refused) and (found.told_at is None or now >= found.told_at + _TOLD_EVERY):
            limits = [load.limit_w / 1000 for load in picture.chargers if load.limit_w is not None]
            between = f", {min(limits):g} to {max(limits):g} kW each" if limits else ""
            refused = f", {found.refused} not taken" if found.refused else ""
            summary = f"load-policy.{picture.name}: {found.set} limits set{refused}{between}"
            self._journal.event(HistoryEvent(now, "load-limit", summary))
            found.set, found.refused, found.told_at = 0, 0, now


def _outcome(answer: Answer) -> tuple[Outcome, str]:
    """Return what became of a request; what is not plainly refused may have been taken."""
    if answer.payload is None:
        return "lost", answer.error
    status = answer.payload.get("status")
    return ("accepted", "") if status == "Accepted" else ("rejected", f"the charger answered {status}")
