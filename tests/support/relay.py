"""A real relay in the test's own process: node, station listener and dialer on loopback, no store, no controller."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from msgspec.structs import replace

from reconciler.adapters.websocket import StationListener, WebSocketLimits
from reconciler.app.csms_connection import RedialPolicy
from reconciler.app.leg_desk import LegDesk
from reconciler.app.node import RelayNode, World
from reconciler.app.ports import ChargerMemory, KeptCall
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import (
    LOCAL,
    Backend,
    CredentialsMode,
    DesiredCharger,
    DesiredLeg,
    FlipPolicy,
    Role,
    SecretRef,
    Security,
)
from reconciler.model.features import FEATURES, OCPP_VERSIONS
from reconciler.model.history import HistoryEvent
from reconciler.model.live import LegPhase, LiveCharger, Outcome, Stranger
from tests.support.leg_desk import LegRows, leg_desk

PRIMARY = Role("primary", frozenset({"*"}))
PASSIVE = Role("passive", frozenset())
OPEN = Security()


class LiveClock:
    """The real clocks."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the running loop's own time."""
        return asyncio.get_running_loop().time()


class KnownSecrets:
    """Secrets by reference name."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = secrets

    def resolve(self, ref: SecretRef, identity: str = "") -> bytes:
        """Return the secret."""
        name = ref.name.replace("{identity}", identity)
        if name not in self._secrets:
            raise SecretUnavailable(f"no secret {ref}")
        return self._secrets[name]


class Tally:
    """Counts metrics and keeps log lines."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, ...], int] = {}
        self.lines: list[tuple[str, dict[str, object]]] = []

    def count(self, name: str, **labels: str) -> None:
        """Add one."""
        key = (name, *labels.values())
        self.counts[key] = self.counts.get(key, 0) + 1

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Ignore gauges."""

    def log(self, event: str, **fields: object) -> None:
        """Keep a line."""
        self.lines.append((event, fields))

    def notes(self, what: str) -> int:
        """Return how often the core noted `what`."""
        return self.counts.get(("relay_notes", what), 0)


class ListRecorder:
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.events: list[HistoryEvent] = []
        self.memories: dict[str, ChargerMemory] = {}
        self.kept: dict[tuple[str, int], KeptCall] = {}
        self.strangers: list[Stranger] = []

    def stranger(self, stranger: Stranger) -> None:
        """Keep a knock."""
        self.strangers.append(stranger)

    def event(self, event: HistoryEvent) -> None:
        """Keep an event."""
        self.events.append(event)

    def remember(self, charger: str, snapshot: Callable[[], ChargerMemory]) -> None:
        """Keep a memory."""
        self.memories[charger] = snapshot()

    def keep(self, call: KeptCall, then: Callable[[], None]) -> None:
        """Keep a call; it is acknowledged soon."""
        self.kept[call.charger, call.seq] = call
        asyncio.get_running_loop().call_soon(then)

    def forget(self, charger: str, seqs: Iterable[int]) -> None:
        """Drop kept calls."""
        for seq in seqs:
            self.kept.pop((charger, seq), None)

    def commit(self, charger: str, snapshot: Callable[[], ChargerMemory], then: Callable[[], None]) -> None:
        """Keep a memory; what waits for it happens soon, as it would behind a database."""
        self.remember(charger, snapshot)
        asyncio.get_running_loop().call_soon(then)


def backend(
    name: str, url: str, *, versions: Sequence[str] = OCPP_VERSIONS, security: Security = OPEN, **more: object
) -> Backend:
    """Return a back-end with short timers unless told otherwise."""
    return Backend(name, url, tuple(versions), security, **{"call_timeout_s": 6.0, "down_after_s": 60.0, **more})  # type: ignore[arg-type]


def charger(
    name: str,
    legs: Iterable[tuple[Backend, Role] | tuple[Backend, Role, CredentialsMode]],
    *,
    identity: str | None = None,
    versions: Sequence[str] = OCPP_VERSIONS,
    security: Security = OPEN,
    owners: Mapping[str, str] | None = None,
    confirm_within_s: float = 10.0,
) -> DesiredCharger:
    """Return a charger; whoever owns "*" owns every feature that no role names."""
    desired = tuple(DesiredLeg(*leg) for leg in legs)
    everything = next((leg.backend.name for leg in desired if "*" in leg.role.owns), LOCAL)
    by_name = {feature: leg.backend.name for leg in desired for feature in leg.role.owns - {"*"}}
    all_owners = {feature: by_name.get(feature, everything) for feature in FEATURES}
    return DesiredCharger(
        name,
        identity or name.upper(),
        None,
        tuple(versions),
        security,
        desired,
        owners or all_owners,
        FlipPolicy(confirm_within_s=confirm_within_s),
    )


class Relay:
    """A running relay; `url` is what stations are given."""

    def __init__(
        self, node: RelayNode, listener: StationListener, tally: Tally, recorder: ListRecorder, desk: LegDesk
    ) -> None:
        self.node = node
        self.desk = desk
        self.tally = tally
        self.recorder = recorder
        self._listener = listener
        self._generations = itertools.count(1)
        self._changed = asyncio.Event()
        node.changed = lambda name: self._changed.set()

    @property
    def url(self) -> str:
        """Where stations connect; the identity is appended."""
        return f"ws://127.0.0.1:{self._listener.port}/ocpp"

    @property
    def open_sockets(self) -> int:
        """Station sockets, handshakes among them."""
        return self._listener.connections

    async def run(self, desired: DesiredCharger) -> Outcome:
        """Declare a charger, or change it."""
        return await self.node.set_desired(desired.name, next(self._generations), desired)

    def live(self, name: str) -> LiveCharger:
        """Return one charger's live state; what was kept of it since something happened last has to be just that."""
        kept, slot = self.node.live()[name], self.node.slot(name)
        if slot is not None and slot.session is not None:
            slot.session.told = None
        found = self.node.live()[name]
        assert _timeless(kept) == _timeless(found)
        return found

    def phase(self, name: str, backend: str) -> LegPhase | None:
        """Return where a leg stands."""
        return next((leg.phase for leg in self.live(name).legs if leg.backend == backend), None)


def _timeless(live: LiveCharger) -> LiveCharger:
    """Return live state without its instants, which the two clocks they are made from let tremble."""
    legs = tuple(replace(leg, since_s=0.0) for leg in live.legs)
    transactions = tuple(replace(transaction, since_s=0.0) for transaction in live.transactions)
    return replace(live, since_s=0.0, legs=legs, transactions=transactions)


@asynccontextmanager
async def relay(
    secrets: Mapping[str, bytes] | None = None,
    *,
    limits: WebSocketLimits | None = None,
    redial: RedialPolicy | None = None,
    legs: LegRows | None = None,
) -> AsyncIterator[Relay]:
    """Run a relay on a free port; `secrets` may change while it runs, `legs` is what an earlier one has stored."""
    tally, recorder = Tally(), ListRecorder()
    known = KnownSecrets({} if secrets is None else secrets)
    desk, dialer = await leg_desk(legs or LegRows(), known, LiveClock(), tally, tally.log, recorder.event, limits)
    world = World(
        dialer=dialer,
        secrets=known,
        clock=LiveClock(),
        metrics=tally,
        log=tally.log,
        recorder=recorder,  # type: ignore[arg-type]  # the same two methods
        new_id=lambda: str(uuid.uuid4()),
        token_key=b"test",
        redial=redial or RedialPolicy(first_s=0.05, longest_s=0.2),
        leg_desk=desk,
    )
    node = RelayNode(world)
    listener = StationListener(node, host="127.0.0.1", port=0, limits=limits)
    await listener.start()
    try:
        yield Relay(node, listener, tally, recorder, desk)
    finally:
        await listener.stop()
