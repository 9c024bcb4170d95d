"""The flip: one generation of roles replaces another on a live session, make before break (R10).

    desired ──can't ever──> refused                             (a version the back-end does not speak, an open
       │                                                         transaction that the policy waits for)
       └──> legs of new back-ends open ──every gaining back-end REGISTERED──> one step: the tables are swapped
                                      ├──one answers Pending or Rejected───> refused, new legs close
                                      └──deadline───────────────────────────> refused, new legs close

Until the step nothing changes for anybody; after it, calls under way finish with whom they began.
"""

from dataclasses import dataclass
from typing import Final

from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.model.live import LegPhase
from reconciler.relay.commands import CloseLeg, GenerationRefused, GenerationRuns, OpenLeg, RedialLeg
from reconciler.relay.downward import Downward
from reconciler.relay.leg import CsmsLeg
from reconciler.relay.routing import RouteTable
from reconciler.relay.state import SessionState

_REFUSED_PHASES: Final = (LegPhase.PENDING, LegPhase.REJECTED)


@dataclass(slots=True)
class Pending:
    """A change under way: `gaining` must be registered before `deadline`."""

    generation: int
    desired: DesiredCharger
    gaining: frozenset[str]
    deadline: float


class Flip:
    """Carries a session from one generation to the next."""

    __slots__ = ("_desired", "_downward", "_leaving", "_pending", "_state")

    def __init__(self, state: SessionState, downward: Downward, desired: DesiredCharger) -> None:
        self._state = state
        self._downward = downward
        self._desired = desired
        self._pending: Pending | None = None
        self._leaving: dict[str, float] = {}
        """Legs without a role that still wait for their last answer, and until when."""

    def start(self, generation: int) -> None:
        """Run the first generation: there is nobody to take anything from."""
        state = self._state
        for leg in self._desired.legs:
            self._open(leg)
        state.generation = generation
        state.emit(GenerationRuns(generation, self._desired.owners, self._desired.owners))

    def want(self, generation: int, desired: DesiredCharger) -> None:
        """Take a new generation; an unfinished one is superseded."""
        state = self._state
        if self._pending is not None:
            self._refuse(f"superseded by generation {generation}")
        gaining = frozenset(
            owner for feature, owner in desired.owners.items() if self._desired.owners.get(feature) != owner
        )
        obstacle = self._obstacle(desired, gaining)
        if obstacle is not None:
            state.emit(GenerationRefused(generation, obstacle))
            return
        self._pending = Pending(generation, desired, gaining, state.now + desired.flip.confirm_within_s)
        for leg in desired.legs:
            self._leaving.pop(leg.backend.name, None)
            if leg.backend.name not in state.legs:
                self._open(leg)
        self.advance()

    def advance(self) -> None:
        """Look whether the change under way can take its step, or never will."""
        pending, state = self._pending, self._state
        if pending is not None:
            legs = [state.legs[name] for name in sorted(pending.gaining)]
            refused = next((leg for leg in legs if leg.phase in _REFUSED_PHASES), None)
            if refused is not None:
                self._refuse(refused.detail)
            elif all(leg.phase is LegPhase.REGISTERED for leg in legs):
                late = self._open_transaction(pending.desired)  # one may have begun since the flip was wanted
                if late is None:
                    self._step(pending)
                else:
                    self._refuse(late)
        for name in list(self._leaving):
            self._close_if_idle(name, "no role on this charger any more")

    def expire(self) -> None:
        """Refuse a change whose time is up; close legs that waited long enough."""
        state, pending = self._state, self._pending
        if pending is not None and state.now >= pending.deadline:
            missing = [state.legs[name] for name in sorted(pending.gaining)]
            why = ", ".join(
                f"{leg.name} is {leg.phase.value}" + (f" ({leg.detail})" if leg.detail else "")
                for leg in missing
                if leg.phase is not LegPhase.REGISTERED
            )
            self._refuse(f"not registered within {pending.desired.flip.confirm_within_s:g} s: {why}")
        self.advance()

    def abandon(self) -> None:
        """The station is gone: there is nothing left to change, and nobody to wait for."""
        self._pending = None
        self._leaving.clear()

    def next_timer(self) -> float | None:
        """Return when `expire` next has something to do, or None."""
        times = list(self._leaving.values())
        if self._pending is not None:
            times.append(self._pending.deadline)
        return min(times, default=None)

    def _obstacle(self, desired: DesiredCharger, gaining: frozenset[str]) -> str | None:
        state = self._state
        for leg in desired.legs:
            if leg.backend.name in gaining and state.version not in leg.backend.versions:
                spoken = ", ".join(leg.backend.versions)
                return f"the station speaks {state.version} on this connection, {leg.backend.name} only {spoken}"
        return self._open_transaction(desired)

    def _open_transaction(self, desired: DesiredCharger) -> str | None:
        transactions, policy = self._state.memory.transactions, desired.flip.open_transaction
        moves = self._desired.owners.get("transactions") != desired.owners.get("transactions")
        if policy == "proceed" or not transactions or not moves:
            return None
        return f"transaction {', '.join(transactions)} is open and openTransaction is {policy}"

    def _step(self, pending: Pending) -> None:
        """Swap the tables: the one instant in which owners change."""
        state, before = self._state, self._desired.owners
        self._pending = None
        self._desired = pending.desired
        state.table = RouteTable(pending.desired, state.version)
        state.generation = pending.generation
        for leg in pending.desired.legs:
            self._respecify(state.legs[leg.backend.name], leg)
        for name in sorted(state.legs.keys() - state.table.legs.keys()):
            self._leave(name)
        self._downward.owners_changed()
        state.emit(GenerationRuns(pending.generation, before, pending.desired.owners))

    def _respecify(self, leg: CsmsLeg, spec: DesiredLeg) -> None:
        was, leg.spec = leg.spec, spec
        old, new = was.backend, spec.backend
        if (old.url, old.security, old.compression, was.credentials) != (
            new.url,
            new.security,
            new.compression,
            spec.credentials,
        ):
            leg.closed(self._state.now, "dialled anew: its address or credentials changed")
            self._state.emit(RedialLeg(spec, leg.detail))

    def _refuse(self, reason: str) -> None:
        pending, state = self._pending, self._state
        if pending is None:
            return
        self._pending = None
        for name in sorted(state.legs.keys() - state.table.legs.keys() - self._leaving.keys()):
            self._leave(name)
            self._close_if_idle(name, "the flip did not happen")
        state.emit(GenerationRefused(pending.generation, reason))

    def _open(self, leg: DesiredLeg) -> None:
        state = self._state
        state.legs[leg.backend.name] = CsmsLeg(leg, state.now)
        state.emit(OpenLeg(leg))

    def _leave(self, name: str) -> None:
        self._leaving[name] = self._state.now + self._state.legs[name].spec.backend.call_timeout_s

    def _close_if_idle(self, name: str, reason: str) -> None:
        state = self._state
        leg = state.legs[name]
        own_call = leg.in_flight is not None and leg.in_flight.call is not None
        busy = leg.connected and (own_call or self._downward.busy_with(name))
        if not busy or state.now >= self._leaving[name]:
            del self._leaving[name]
            self._close(name, reason)

    def _close(self, name: str, reason: str) -> None:
        del self._state.legs[name]
        self._state.emit(CloseLeg(name, reason))
