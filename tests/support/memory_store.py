"""A store in memory that keeps every promise of the `Store` port but durability."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.app.ports import (
    ChargerMemory,
    HistoryFilter,
    KeptCall,
    Lock,
    ResourceChanges,
    ResourceWrite,
    Retained,
    RevisionMeta,
    RolloutCommit,
    StoredResource,
)
from reconciler.app.strangers import Strangers
from reconciler.errors import FwdctlError, LockHeld, StalePlan
from reconciler.model.failovers import Failover
from reconciler.model.history import HistoryEvent
from reconciler.model.interventions import Interventions
from reconciler.model.live import Stranger
from reconciler.model.notices import OutageNotice
from reconciler.model.outages import Adjustment, Outage
from reconciler.model.overrides import Override
from reconciler.model.rollouts import HELD, PAUSED, SUPERSEDED, UNFINISHED, Hold, Pause, Rollout, RolloutState, Step


class MemoryStore:
    """Implements `Store`."""

    def __init__(self) -> None:
        self._revision = 0
        self.away = False
        """While True, overrides can't be read and history can't be written."""
        self.revisions: list[RevisionMeta] = []
        self.events: list[HistoryEvent] = []
        self.kept = Retained()
        self._stored: dict[str, StoredResource] = {}
        self._left: dict[int, dict[str, StoredResource]] = {}
        self._last_version: dict[str, int] = {}
        self._used_plans: dict[str, int] = {}
        self._overrides: list[Override] = []
        self._open: set[str] = set()
        self._begun: dict[str, Outage] = {}
        self._notices: dict[str, OutageNotice] = {}
        self._duties: dict[str, tuple[str, datetime, int]] = {}
        self._failovers: dict[tuple[str, str], Failover] = {}
        self._adjusted: dict[tuple[str, datetime], Adjustment] = {}
        self._kept: dict[tuple[str, int], KeptCall] = {}
        self._strangers = Strangers()
        self._memories: dict[str, ChargerMemory] = {}
        self._lock: Lock | None = None
        self._rollouts: dict[str, Rollout] = {}
        self._steps: dict[str, dict[str, Step]] = {}
        self._pauses: dict[str, Pause] = {}

    async def resources(self) -> tuple[int, tuple[StoredResource, ...]]:
        """Return the applied revision and all resources."""
        return self._revision, tuple(self._stored[address] for address in sorted(self._stored))

    async def resource_changes(self, since: int) -> ResourceChanges:
        """Return what changed after `since`."""
        before = self._stored if since == self._revision else self._left.get(since, {})
        written = [self._stored[name] for name in sorted(self._stored) if self._stored[name] != before.get(name)]
        return ResourceChanges(self._revision, tuple(written), frozenset(before.keys() - self._stored.keys()))

    async def commit_revision(
        self,
        writes: Sequence[ResourceWrite],
        meta: RevisionMeta,
        plan_id: str,
        rollout: RolloutCommit | None = None,
        *,
        base: int | None = None,
    ) -> int:
        """Write all or nothing; `base` may be any, nothing is ever forgotten here."""
        current = {address: stored.version for address, stored in self._stored.items()}
        stale = [write.address for write in writes if current.get(write.address, 0) != write.seen_version]
        if plan_id in self._used_plans or stale:
            raise StalePlan(f"the plan was used, or changed since: {stale}")
        self._revision += 1
        self._used_plans[plan_id] = self._revision
        self.revisions.append(meta)
        self._left[self._revision - 1] = dict(self._stored)
        for write in writes:
            if write.content is None:
                del self._stored[write.address]
                continue
            version = self._last_version.get(write.address, 0) + 1
            self._last_version[write.address] = version
            self._stored[write.address] = StoredResource(write.address, write.content, version, self._revision)
        if rollout is not None:
            self._begin_steps(rollout)
        return self._revision

    def _begin_steps(self, rollout: RolloutCommit) -> None:
        self._fence(rollout.id, rollout.holder)
        for step in rollout.steps:
            for others in self._steps.values():
                if (older := others.get(step.charger)) is not None and older.state in HELD:
                    others[step.charger] = replace(older, state=SUPERSEDED)
        self._steps[rollout.id] = {step.charger: step for step in rollout.steps}
        self._rollouts[rollout.id] = replace(self._rollouts[rollout.id], revision=self._revision)

    def _fence(self, id: str, holder: str) -> None:
        if self._rollouts[id].holder != holder:
            raise LockHeld(f"apply {id} was taken over by {self._rollouts[id].holder}")

    async def begin_rollout(self, rollout: Rollout) -> None:
        """Keep it."""
        self._rollouts[rollout.id] = rollout

    async def rollout(self, id: str) -> Rollout | None:
        """Return it."""
        return self._rollouts.get(id)

    async def accepted_rollouts(self) -> tuple[Rollout, ...]:
        """Return those that have not begun."""
        return tuple(rollout for rollout in self._rollouts.values() if rollout.state is RolloutState.ACCEPTED)

    async def open_rollouts(self) -> tuple[Rollout, ...]:
        """Return those that go on."""
        return tuple(rollout for rollout in self._rollouts.values() if rollout.state is RolloutState.OPEN)

    async def take_over_rollout(self, id: str, *, node: str, holder: str) -> bool:
        """Give it to another."""
        found = self._rollouts.get(id)
        if found is None or found.state not in (RolloutState.OPEN, RolloutState.STOPPED):
            return False
        self._rollouts[id] = replace(found, node=node, holder=holder, state=RolloutState.OPEN)
        return True

    async def rollout_steps(self, id: str) -> tuple[Step, ...]:
        """Return them by charger."""
        return tuple(step for _, step in sorted(self._steps.get(id, {}).items()))

    async def journal_steps(self, id: str, holder: str, steps: Sequence[Step]) -> None:
        """Replace them."""
        self._fence(id, holder)
        held = self._steps[id]
        held |= {step.charger: step for step in steps if held[step.charger].state in UNFINISHED}

    async def end_rollout(
        self, id: str, holder: str, state: RolloutState, outcome: Mapping[str, Any], at: datetime
    ) -> None:
        """End it where it is still the holder's."""
        found = self._rollouts[id]
        if found.holder == holder:
            plan = found.plan if state is RolloutState.STOPPED else None
            self._rollouts[id] = replace(found, state=state, outcome=outcome, plan=plan, ended_at=at)

    async def release_held(self, chargers: Sequence[str]) -> None:
        """Let go of them."""
        for steps in self._steps.values():
            for name in chargers:
                if name in steps and steps[name].state in HELD:
                    steps[name] = replace(steps[name], state=SUPERSEDED)

    async def put_pauses(self, pauses: Sequence[Pause]) -> None:
        """Keep them."""
        self._pauses |= {pause.charger: pause for pause in pauses}

    async def end_pauses(self, chargers: Sequence[str], at: datetime) -> tuple[Pause, ...]:
        """Drop those in force."""
        return tuple(
            self._pauses.pop(name) for name in chargers if name in self._pauses and self._pauses[name].holds_at(at)
        )

    def _holds(self) -> tuple[Hold, ...]:
        found = (
            Hold(step.charger, step.base, id, step.state == PAUSED)
            for id, steps in self._steps.items()
            for step in steps.values()
            if step.state in HELD
        )
        return tuple(sorted(found, key=lambda hold: hold.charger))

    async def revision_meta(self, revision: int) -> RevisionMeta | None:
        """Return who made it."""
        return self.revisions[revision - 1] if 0 < revision <= len(self.revisions) else None

    async def learn_texts(self, texts: Sequence[tuple[str, int, str]]) -> None:
        """Remember which text says what."""
        for address, version, digest in texts:
            stored = self._stored.get(address)
            if stored is not None and stored.version == version:
                self._stored[address] = replace(stored, text=digest)

    async def resources_at(self, revision: int) -> tuple[StoredResource, ...]:
        """Return what was applied then."""
        if not 0 <= revision <= self._revision:
            raise FwdctlError(f"there is no revision {revision}, the last one is {self._revision}")
        stored = self._left.get(revision, self._stored)
        return tuple(stored[address] for address in sorted(stored))

    async def revision_of_plan(self, plan_id: str) -> int | None:
        """Look it up."""
        return self._used_plans.get(plan_id)

    async def revision_at(self, at: datetime) -> int:
        """Count the commits until then."""
        return sum(meta.at <= at for meta in self.revisions)

    async def retained(self) -> Retained:
        """Return that nothing is forgotten, but what a test says."""
        return self.kept

    async def put_override(self, override: Override) -> None:
        """Store it; older ones on the charger end at its start."""
        self._overrides = [
            replace(older, until=override.start)
            if older.charger == override.charger and older.holds_at(override.start)
            else older
            for older in self._overrides
        ]
        self._overrides.append(override)
        self._open -= {older.id for older in self._overrides if older.charger == override.charger}
        self._open.add(override.id)

    async def end_override(self, charger: str, at: datetime) -> Override | None:
        """End the one in force."""
        for index, override in enumerate(self._overrides):
            if override.charger == charger and override.holds_at(at):
                self._overrides[index] = replace(override, until=at)
                self._open.discard(override.id)
                return self._overrides[index]
        return None

    async def close_overrides(self, at: datetime) -> tuple[Override, ...]:
        """Return those that ran out and were not closed."""
        over = [
            held for held in self._overrides if held.id in self._open and held.until is not None and held.until <= at
        ]
        self._open -= {override.id for override in over}
        return tuple(sorted(over, key=lambda override: override.charger))

    async def overrides(self, at: datetime) -> tuple[Override, ...]:
        """Return those in force."""
        self._answer()
        held = (override for override in self._overrides if override.holds_at(at))
        return tuple(sorted(held, key=lambda override: override.charger))

    async def revision(self) -> int:
        """Return it."""
        return self._revision

    async def interventions(self, at: datetime) -> Interventions:
        """Return all of it."""
        return Interventions(
            await self.overrides(at),
            tuple(self._begun.values()),
            tuple(self._adjusted.values()),
            tuple(self._failovers.values()),
            self._holds(),
            tuple(pause for _, pause in sorted(self._pauses.items()) if pause.holds_at(at)),
        )

    async def begin_outage(self, outage: Outage) -> None:
        """Store it."""
        self._begun[outage.name] = outage

    async def adjust_outage(self, adjustment: Adjustment) -> None:
        """Store it."""
        self._adjusted[adjustment.outage, adjustment.opening] = adjustment

    async def put_failover(self, failover: Failover) -> None:
        """Store it."""
        self._failovers[failover.charger, failover.backend] = failover

    async def end_failover(self, charger: str, backend: str) -> bool:
        """End it."""
        return self._failovers.pop((charger, backend), None) is not None

    async def notices(self, since: datetime) -> tuple[OutageNotice, ...]:
        """Return those still of interest."""
        return tuple(notice for notice in self._notices.values() if notice.announcement.until > since)

    async def claim_notices(self, claims: Sequence[OutageNotice]) -> tuple[OutageNotice, ...]:
        """Keep the new ones."""
        won = tuple(claim for claim in claims if claim.key not in self._notices)
        self._notices |= {claim.key: claim for claim in won}
        return won

    async def update_notice(self, notice: OutageNotice, *, seen: OutageNotice) -> bool:
        """Replace what was seen."""
        if self._notices[seen.key] != seen:
            return False
        self._notices[seen.key] = notice
        return True

    async def lead(self, duty: str, holder: str, at: datetime, lease_s: float) -> int | None:
        """Give the duty to whoever asks first."""
        other, until, incarnation = self._duties.get(duty, ("", at, 0))
        if at < until and other != holder:
            return None
        incarnation += at >= until
        self._duties[duty] = (holder, at + timedelta(seconds=lease_s), incarnation)
        return incarnation

    async def yield_lead(self, duty: str, holder: str) -> None:
        """Let the next one have it."""
        if duty in self._duties and self._duties[duty][0] == holder:
            _, until, incarnation = self._duties[duty]
            self._duties[duty] = ("", until - timedelta(days=1), incarnation)

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        """Append, and number."""
        self._answer()
        for event in events:
            self.events.append(replace(event, seq=len(self.events) + 1))

    async def history(self, wanted: HistoryFilter) -> tuple[HistoryEvent, ...]:
        """Return matching events, newest first."""
        found = [
            event
            for event in reversed(self.events)
            if wanted.charger in (None, event.charger)
            and wanted.kind in (None, event.kind)
            and wanted.without != event.kind
            and (wanted.chargers is None or event.charger in wanted.chargers)
            and wanted.revision in (None, event.revision)
            and (wanted.since is None or event.at >= wanted.since)
            and (wanted.until is None or event.at <= wanted.until)
        ]
        return tuple(found[: wanted.limit])

    async def acquire_lock(self, holder: str, purpose: str, at: datetime, lease_s: float) -> None:
        """Take the lock, or raise LockHeld."""
        held = await self.lock(at)
        if held is not None:
            raise LockHeld(f"{held.holder} holds the apply lock since {held.acquired_at}")
        self._lock = Lock(holder, purpose, at, at + timedelta(seconds=lease_s))

    async def renew_lock(self, holder: str, at: datetime, lease_s: float) -> bool:
        """Extend it where nobody else had it since."""
        if self._lock is None or self._lock.holder != holder:
            return False
        self._lock = replace(self._lock, expires_at=at + timedelta(seconds=lease_s))
        return True

    async def release_lock(self, holder: str) -> None:
        """Give it back."""
        if self._lock is not None and self._lock.holder == holder:
            self._lock = None

    async def lock(self, at: datetime) -> Lock | None:
        """Return it as held at `at`."""
        return self._lock if self._lock is not None and at < self._lock.expires_at else None

    async def break_lock(self) -> Lock | None:
        """Free it."""
        held, self._lock = self._lock, None
        return held

    async def remember(self, memories: Sequence[ChargerMemory]) -> None:
        """Keep them."""
        self._memories |= {memory.charger: memory for memory in memories}

    async def memories(self) -> tuple[ChargerMemory, ...]:
        """Return all."""
        return tuple(self._memories.values())

    async def keep_calls(self, calls: Sequence[KeptCall]) -> None:
        """Keep them."""
        self._kept |= {(call.charger, call.seq): call for call in calls}

    async def forget_calls(self, calls: Sequence[tuple[str, int]]) -> None:
        """Drop them."""
        for key in calls:
            self._kept.pop(key, None)

    async def kept_calls(self) -> tuple[KeptCall, ...]:
        """Return all, in order."""
        return tuple(self._kept[key] for key in sorted(self._kept))

    async def note_strangers(self, knocked: Sequence[Stranger]) -> None:
        """Keep them."""
        for stranger in knocked:
            self._strangers.add(stranger)

    async def strangers(self) -> tuple[Stranger, ...]:
        """Return all."""
        return self._strangers.all()

    def _answer(self) -> None:
        if self.away:
            raise OSError("the store is away")

    async def close(self) -> None:
        """Nothing to release."""
