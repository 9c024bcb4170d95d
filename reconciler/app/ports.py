"""The Protocols that use cases are given; adapters implement them, tests bring fakes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from reconciler.model.desired import DesiredCharger, SecretRef
from reconciler.model.failovers import Failover
from reconciler.model.history import HistoryEvent
from reconciler.model.interventions import Interventions
from reconciler.model.live import LiveCharger, Outcome, Stranger
from reconciler.model.notices import OutageNotice
from reconciler.model.outages import Adjustment, Outage
from reconciler.model.overrides import Override
from reconciler.model.rollouts import Pause, Rollout, RolloutState, Step


class Clock(Protocol):
    """The two clocks: one to name instants, one to measure with."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""

    def monotonic_s(self) -> float:
        """Return seconds that never jump."""


class Question(Protocol):
    """What was asked of one charger."""

    @property
    def generation(self) -> int:
        """Return the generation it was asked as."""

    @property
    def desired(self) -> DesiredCharger | None:
        """Return what was asked for."""


class RelayPort(Protocol):
    """The only place where controller and relay meet; level-triggered, so repeating a call is harmless."""

    async def set_desired(self, charger: str, generation: int, desired: DesiredCharger | None) -> Outcome:
        """Ask that `charger` run `desired` as `generation`; None: the charger is no longer declared.

        Returns Ack when that generation runs, Deferred for an offline charger, Refusal (NACK) when it can't be
        run; then the last good one keeps running. Bounded by `desired.flip.confirm_within_s`.
        """

    def live(self, only: Collection[str] | None = None) -> Mapping[str, LiveCharger]:
        """Return every known charger's live state by name; with `only`, that of these, at the cost of these."""

    def names(self) -> Collection[str]:
        """Return the chargers that `live` knows."""

    def questions(self, only: Collection[str] | None = None) -> Mapping[str, Question]:
        """Return what was last asked of each charger, or of those in `only`, where other nodes may ask too."""


class StoredResource(msgspec.Struct, frozen=True):
    """A resource as stored: `content` is the canonical document, `version` counts its changes from 1."""

    address: str
    content: Mapping[str, Any]
    version: int
    revision: int
    text: str = ""
    """The digest of a text that says just this, "" where none is known."""


class ResourceChanges(msgspec.Struct, frozen=True):
    """What `revision`, the applied one, has that an older one had not: resources `written`, addresses `gone`."""

    revision: int
    written: tuple[StoredResource, ...]
    gone: frozenset[str] = frozenset()


class ResourceWrite(msgspec.Struct, frozen=True):
    """One step of a commit: `content` None deletes. `seen_version` 0: it must not exist yet."""

    address: str
    content: Mapping[str, Any] | None
    seen_version: int


class RevisionMeta(msgspec.Struct, frozen=True):
    """Who made a revision and why; goes to history with it."""

    at: datetime
    actor: str
    reason: str = ""
    git_author: str = ""
    git_commit: str = ""
    override_window: bool = False
    """Whether it was let in whatever change windows said."""


class Retained(msgspec.Struct, frozen=True):
    """How far back the store goes; nothing was ever forgotten where a bound is 0 or None.

    `revision` is the oldest one that is kept whole, with everything after it, and `revision_at` when it was applied.
    `interventions_since`: toggles and outages that were over by then are forgotten, `events_since`: so is history.
    """

    revision: int = 0
    revision_at: datetime | None = None
    interventions_since: datetime | None = None
    events_since: datetime | None = None


class RolloutCommit(msgspec.Struct, frozen=True):
    """The steps that a commit begins: of rollout `id`, by `holder`. They take their chargers over from other ones."""

    id: str
    holder: str
    steps: tuple[Step, ...]


class HistoryFilter(msgspec.Struct, frozen=True):
    """Which events to read, newest first."""

    charger: str | None = None
    kind: str | None = None
    since: datetime | None = None
    limit: int = 100
    until: datetime | None = None
    revision: int | None = None
    without: str | None = None
    """A kind to leave out."""
    chargers: tuple[str, ...] | None = None
    """Only events about these chargers; None: all events, those about no charger too."""


class Lock(msgspec.Struct, frozen=True):
    """The apply lock as held: a lease that runs out by itself."""

    holder: str
    purpose: str
    acquired_at: datetime
    expires_at: datetime


class KeptCall(msgspec.Struct, frozen=True):
    """A station's call that the relay acknowledged for an owner that is away; `raw` is the whole frame."""

    charger: str
    seq: int
    raw: bytes
    at: datetime


class ChargerMemory(msgspec.Struct, frozen=True):
    """What a session must still know after the station reconnects or the relay restarts.

    `boot` is the station's last BootNotification payload, `statuses` its last StatusNotification payload per
    connector, `ids` the id maps of `relay/ids.py`; `version` the subprotocol they were sent in; `profile` the highest
    security profile that it ever came in with. `epoch` counts its connections to nodes that share a store: what an
    earlier one would write is dropped.
    """

    charger: str
    version: str = ""
    boot: bytes | None = None
    statuses: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    ids: Mapping[str, Any] = msgspec.field(default_factory=dict)
    profile: int = 0
    epoch: int = 0


class Store(Protocol):
    """Everything durable; SQLite and PostgreSQL pass the same tests."""

    async def resources(self) -> tuple[int, tuple[StoredResource, ...]]:
        """Return the applied revision (0: nothing was ever applied) and all resources, by address."""

    async def resource_changes(self, since: int) -> ResourceChanges:
        """Return what changed after revision `since` (0: everything is new), at the cost of that.

        Raises NotKept where it is forgotten what went since then.
        """

    async def commit_revision(
        self,
        writes: Sequence[ResourceWrite],
        meta: RevisionMeta,
        plan_id: str,
        rollout: RolloutCommit | None = None,
        *,
        base: int | None = None,
    ) -> int:
        """Write all of `writes`, and the steps of `rollout`, in one transaction and return the new revision.

        `base` is the revision that the plan was made against. Raises StalePlan where a resource's version is not its
        `seen_version`, where `plan_id` was committed before or is so old that nobody knows any more, LockHeld where
        the rollout is somebody else's by now; then nothing is written.
        """

    async def begin_rollout(self, rollout: Rollout) -> None:
        """Store an apply that begins; its steps come with the commit."""

    async def rollout(self, id: str) -> Rollout | None:
        """Return a rollout, None where there is none of that id."""

    async def accepted_rollouts(self) -> tuple[Rollout, ...]:
        """Return those that have not begun, oldest first."""

    async def open_rollouts(self) -> tuple[Rollout, ...]:
        """Return those that somebody carries out, or has to take over, oldest first."""

    async def take_over_rollout(self, id: str, *, node: str, holder: str) -> bool:
        """Make an open or stopped rollout `holder`'s, and open; False where it has ended."""

    async def rollout_steps(self, id: str) -> tuple[Step, ...]:
        """Return its steps, by charger."""

    async def journal_steps(self, id: str, holder: str, steps: Sequence[Step]) -> None:
        """Write these steps of a rollout as they are now; those that were superseded meanwhile stay so.

        Raises LockHeld where the rollout is no longer `holder`'s.
        """

    async def end_rollout(
        self, id: str, holder: str, state: RolloutState, outcome: Mapping[str, Any], at: datetime
    ) -> None:
        """Store that it is over, or stopped; harmless where it is no longer `holder`'s."""

    async def release_held(self, chargers: Sequence[str]) -> None:
        """End the steps that hold these chargers back: they were resumed, or are to run what they run anyway."""

    async def put_pauses(self, pauses: Sequence[Pause]) -> None:
        """Store pauses; an older one of a charger is replaced."""

    async def end_pauses(self, chargers: Sequence[str], at: datetime) -> tuple[Pause, ...]:
        """End the pauses in force at `at` of these chargers, and return them."""

    async def revision(self) -> int:
        """Return the applied revision alone, cheaply: 0 where nothing was ever applied."""

    async def resources_at(self, revision: int) -> tuple[StoredResource, ...]:
        """Return all resources as `revision` left them, by address.

        Raises FwdctlError where there is no such one, NotKept where it is forgotten.
        """

    async def learn_texts(self, texts: Sequence[tuple[str, int, str]]) -> None:
        """Remember (address, version, digest): the text of that digest says just what this version does."""

    async def revision_meta(self, revision: int) -> RevisionMeta | None:
        """Return who made `revision` and why, None where there is no such one."""

    async def revision_of_plan(self, plan_id: str) -> int | None:
        """Return the revision that this plan made, None where it was not applied."""

    async def revision_at(self, at: datetime) -> int:
        """Return the revision that was the applied one at `at`: 0 where nothing was applied yet.

        Raises NotKept where it is forgotten.
        """

    async def retained(self) -> Retained:
        """Return how far back the store goes."""

    async def put_override(self, override: Override) -> None:
        """Store an override; one charger has at most one in force, an older one ends at the new one's start."""

    async def end_override(self, charger: str, at: datetime) -> Override | None:
        """End the charger's override and return it, or None where it has none in force."""

    async def close_overrides(self, at: datetime) -> tuple[Override, ...]:
        """Close the overrides whose time was up at `at`, and return them, by charger: each is returned only once."""

    async def overrides(self, at: datetime) -> tuple[Override, ...]:
        """Return the overrides in force at `at`, by charger."""

    async def interventions(self, at: datetime) -> Interventions:
        """Return everything that changes roles besides specs, of one moment; overrides only those in force at `at`.

        Raises NotKept where it is forgotten what was in force then.
        """

    async def begin_outage(self, outage: Outage) -> None:
        """Store an outage begun by hand; its window opens once. The same name again replaces it."""

    async def adjust_outage(self, adjustment: Adjustment) -> None:
        """Store what becomes of one opening of an outage; an earlier adjustment of it is replaced."""

    async def put_failover(self, failover: Failover) -> None:
        """Store that a failover is in force; one of the same charger and back-end is replaced."""

    async def end_failover(self, charger: str, backend: str) -> bool:
        """End a failover; False where none is in force any more."""

    async def notices(self, since: datetime) -> tuple[OutageNotice, ...]:
        """Return the notices of openings that end after `since`, in the order they were claimed."""

    async def claim_notices(self, claims: Sequence[OutageNotice]) -> tuple[OutageNotice, ...]:
        """Store those of `claims` that nobody has claimed yet, and return them."""

    async def update_notice(self, notice: OutageNotice, *, seen: OutageNotice) -> bool:
        """Store how far a notice has come; False, and nothing is written, where it is not as it was `seen`."""

    async def lead(self, duty: str, holder: str, at: datetime, lease_s: float) -> int | None:
        """Take a duty or keep it for another `lease_s`, and return its incarnation; None while another has it."""

    async def yield_lead(self, duty: str, holder: str) -> None:
        """Give a duty up; harmless where it is not this holder's."""

    async def record(self, events: Sequence[HistoryEvent]) -> None:
        """Append events to history."""

    async def history(self, wanted: HistoryFilter) -> tuple[HistoryEvent, ...]:
        """Return matching events, newest first."""

    async def acquire_lock(self, holder: str, purpose: str, at: datetime, lease_s: float) -> None:
        """Take the apply lock; an expired one is taken over. Raises LockHeld (naming holder and age)."""

    async def renew_lock(self, holder: str, at: datetime, lease_s: float) -> bool:
        """Extend the lease; False where somebody broke it, or took it after it had run out."""

    async def release_lock(self, holder: str) -> None:
        """Give the lock back; harmless where it is not this holder's."""

    async def lock(self, at: datetime) -> Lock | None:
        """Return the lock as held at `at`, None where it is free or expired."""

    async def break_lock(self) -> Lock | None:
        """Free the lock whoever holds it, and return what was held."""

    async def remember(self, memories: Sequence[ChargerMemory]) -> None:
        """Write the memories of these chargers, all in one transaction."""

    async def memories(self) -> tuple[ChargerMemory, ...]:
        """Return every charger's memory."""

    async def keep_calls(self, calls: Sequence[KeptCall]) -> None:
        """Store these calls, all in one transaction; once it returns they survive a crash."""

    async def forget_calls(self, calls: Sequence[tuple[str, int]]) -> None:
        """Delete kept calls by (charger, seq); harmless where they are gone."""

    async def kept_calls(self) -> tuple[KeptCall, ...]:
        """Return every kept call, by charger and seq."""

    async def note_strangers(self, knocked: Sequence[Stranger]) -> None:
        """Note that these knocked, `knocks` times since they were last noted; who knocked longest ago is forgotten."""

    async def strangers(self) -> tuple[Stranger, ...]:
        """Return the stations that knocked lately and were not declared then, the last that did last; bounded."""

    async def close(self) -> None:
        """Release connections."""


class Secrets(Protocol):
    """Resolves references on the server; the result must never be logged or stored."""

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return the secret's bytes (one trailing newline of a file removed; `{identity}` in a path replaced).

        Raises SecretUnavailable, naming the reference and never the value.
        """


class Log(Protocol):
    """Writes one structured line; a flood of the same line is thinned by the adapter. Never given a secret."""

    def __call__(self, event: str, **fields: object) -> None:
        """Log `event` with its fields."""


class Metrics(Protocol):
    """Numbers for whoever watches the fleet; names and labels are the closed set of adapters/metrics.py.

    No label ever names a charger: there are too many of them. Per-charger facts are live state and history.
    """

    def count(self, name: str, **labels: str) -> None:
        """Add one to a counter."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge to `value`."""
