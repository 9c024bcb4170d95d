"""What the relay node keeps of one declared charger, whether its station is connected or not."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.app.fleet_numbers import Tally
from reconciler.app.passed import Passed, PassedOfCharger
from reconciler.app.ports import ChargerMemory, Clock, KeptCall
from reconciler.app.relay_rows import Taken
from reconciler.app.station_session import Connection, StationSession
from reconciler.model.desired import DesiredCharger
from reconciler.model.live import LiveCharger, LiveLeg, LiveResidue, LiveTransaction, Refusal
from reconciler.relay.memory import SessionMemory


def _as_declared(charger: str, backend: str) -> tuple[str, float]:
    return "", 0.0


@dataclass(slots=True)
class ChargerSlot:
    """One charger of this node.

    `desired` is what its next session begins with: the last generation that ran, or the one that was asked for
    while it was offline.
    """

    desired: DesiredCharger
    generation: int
    _memory: SessionMemory | None = None
    session: StationSession | None = None
    refused: Refusal | None = None
    owner_away: str = ""
    """The owner because of whose absence the station was last sent off (R11, `close`)."""
    highest_profile: int = 0
    """The highest security profile that the station ever came in with; it may not come in with less."""
    certificate_expires_s: float = 0.0
    """When the certificate that the station last came in with expires; seconds since the epoch, 0 without one."""
    last_address: str = ""
    """Where the station last came in from, see `failure_limits`."""
    connections: int = 0
    last_seen_s: float = 0.0
    """When the station was last connected; seconds since the epoch, 0 where never."""
    epoch: int = 0
    """See `ChargerMemory.epoch`."""
    lingering: dict[str, Connection] = field(default_factory=dict)
    """The last session's CSMS connections, which may still be closing."""
    _counts: PassedOfCharger = field(default_factory=PassedOfCharger)
    _offline: LiveCharger | None = None
    """As it was last told without a session."""

    @property
    def memory(self) -> SessionMemory:
        """What is remembered of the charger from session to session; made when first asked for."""
        if self._memory is None:
            self._memory = SessionMemory()
        return self._memory

    def live(
        self, now: datetime, monotonic_s: float, credential: Callable[[str, str], tuple[str, float]] = _as_declared
    ) -> LiveCharger:
        """Return the charger as it is now: the same object while nothing happens, as all are looked at again and again.

        `credential` tells what a back-end has set on its leg, see `LegDesk`.
        """
        session = self.session
        if session is None:
            return self._live_offline()
        name = self.desired.name
        credentials = [credential(name, backend) for backend in session.core.state.legs]
        facts = (self.refused, self.connections, self.certificate_expires_s, *credentials)
        if session.told is None or session.told[0] != facts:
            session.told = facts, self._live_connected(session, now.timestamp() - monotonic_s, credentials)
        return session.told[1]

    def _live_connected(
        self, session: StationSession, epoch_s: float, credentials: Sequence[tuple[str, float]]
    ) -> LiveCharger:
        state = session.core.state
        return LiveCharger(
            name=self.desired.name,
            connected=True,
            since_s=epoch_s + session.opened_s,
            version=session.version,
            generation=state.generation,
            owners=state.table.owners,
            legs=tuple(
                LiveLeg(
                    leg.name, leg.spec.role.name, leg.phase, epoch_s + leg.since, leg.detail, leg.frames, *credential
                )
                for leg, credential in zip(state.legs.values(), credentials, strict=True)
            ),
            transactions=tuple(
                LiveTransaction(open_.id, open_.owner, epoch_s + open_.since_s, open_.connector)
                for open_ in state.memory.transactions.values()
            ),
            residue=_counted(state.memory),
            kept_calls=len(state.memory.backlog),
            refused=self.refused,
            connections=self.connections,
            because=session.desired.because,
            certificate_expires_s=self.certificate_expires_s,
        )

    def tally(self) -> Tally:
        """Return what is counted of the charger now, at a fraction of what `live` costs."""
        if self.session is None:
            return Tally(connected=False)
        state = self.session.core.state
        return Tally(True, tuple(leg.phase for leg in state.legs.values()), len(state.memory.transactions))

    def _live_offline(self) -> LiveCharger:
        """Return the charger as it is without a session: the same object while nothing changes, as most are looked at
        again and again.
        """
        told, facts = self._offline, (self.last_seen_s, self.refused, self.connections, self.certificate_expires_s)
        if told is None or facts != (told.since_s, told.refused, told.connections, told.certificate_expires_s):
            told = self._offline = LiveCharger(
                self.desired.name,
                False,
                self.last_seen_s,
                refused=self.refused,
                connections=self.connections,
                certificate_expires_s=self.certificate_expires_s,
            )
        return told

    def passed(self) -> Passed:
        """Return how many messages passed of the charger, over all its sessions so far."""
        return self._counts.now(self.session)

    def begins(self, session: StationSession) -> None:
        """Take a new session in the place of an older one."""
        self.ends()
        self.session = session
        self.connections += 1

    def ends(self) -> None:
        """Let go of the session, which has ended; what it counted stays."""
        if self.session is not None:
            self._counts.ended(self.session)
            self.session = None

    def snapshot(self) -> ChargerMemory:
        """Return the charger's memory as it is stored."""
        memory = self.memory
        return ChargerMemory(
            self.desired.name,
            memory.version,
            memory.boot,
            dict(memory.statuses),
            memory.snapshot(),
            self.highest_profile,
            self.epoch,
        )

    def take(self, taken: Taken, clock: Clock) -> None:
        """Take the charger's new epoch, and what another node left of it where one had it meanwhile."""
        if taken.elsewhere:
            self.restore(taken.memory, taken.kept, clock)
        self.epoch = taken.epoch

    def restore(self, left: ChargerMemory | None, kept: Iterable[KeptCall], clock: Clock) -> None:
        """Take over what an earlier process, or another node, remembered of the charger and kept for it."""
        kept = tuple(kept)
        if left is None and not kept:
            self._memory = None
            return
        now_s, memory = clock.monotonic_s(), SessionMemory()
        if left is not None:
            memory = SessionMemory.restored(left.version, left.boot, left.statuses, left.ids, now_s)
            self.highest_profile = max(self.highest_profile, left.profile)
            self.epoch = max(self.epoch, left.epoch)
        epoch_s = clock.now().timestamp() - now_s
        memory.backlog.restore((call.seq, call.raw, call.at.timestamp() - epoch_s) for call in kept)
        self._memory = memory


def _counted(memory: SessionMemory) -> tuple[LiveResidue, ...]:
    left = tuple(memory.residue)
    if not left:
        return ()
    counts = Counter((residue.kind, residue.owner) for residue in left)
    stuck = Counter((residue.kind, residue.owner) for residue in left if residue.stuck)
    return tuple(LiveResidue(kind, owner, count, stuck[kind, owner]) for (kind, owner), count in counts.items())
