"""The flip: one generation of roles replaces another on a live session, make before break, with a way back (R10).

    desired ──can't ever──> refused                             (a version the back-end does not speak, an open
       │                                                         transaction that the policy waits for)
       └──> legs of new back-ends open ──every gaining back-end REGISTERED──> one step: the tables are swapped
                                      ├──one answers Pending or Rejected───> refused, new legs close
                                      └──deadline───────────────────────────> refused, new legs close
    the step ──> trial: a Heartbeat to everybody who gained ──all answered anything──> runs; legs without a role close
                                                            └──one is lost, or silent──> the step is taken back: refused

Until the step nothing changes for anybody; after it, calls under way finish with whom they began. Until the trial is
over the losers' legs stay, so that the way back is one step too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.desired import DesiredCharger, DesiredLeg
from reconciler.model.live import LegPhase
from reconciler.relay.commands import CloseLeg, GenerationRefused, GenerationRuns, OpenLeg, RedialLeg, RememberCharger
from reconciler.relay.downward import Downward
from reconciler.relay.handover import take_over
from reconciler.relay.leg import NEVER, CsmsLeg
from reconciler.relay.open_transaction import holds_back
from reconciler.relay.routing import RouteTable
from reconciler.relay.state import SessionState
from reconciler.relay.upward import Upward

_REFUSED_PHASES: Final = (LegPhase.PENDING, LegPhase.REJECTED)
_AT_WORK: Final = (LegPhase.REGISTERED, LegPhase.REGISTERING)


@dataclass(slots=True)
class Pending:
    """A change under way: `gaining` must be registered before `deadline`."""

    generation: int
    desired: DesiredCharger
    gaining: frozenset[str]
    deadline: float


@dataclass(slots=True)
class Trial:
    """A step that was taken and is not confirmed. `unheard` maps who gained to the answers it had given before."""

    generation: int
    previous: DesiredCharger
    previous_generation: int
    unheard: dict[str, int]
    deadline: float


class Flip:
    """Carries a session from one generation to the next."""

    __slots__ = ("_desired", "_downward", "_leaving", "_pending", "_state", "_trial", "_upward")

    def __init__(self, state: SessionState, upward: Upward, downward: Downward, desired: DesiredCharger) -> None:
        self._state = state
        self._downward = downward
        self._upward = upward
        self._desired = desired
        self._pending: Pending | None = None
        self._trial: Trial | None = None
        self._leaving: dict[str, float] = {}
        """Legs without a role that still wait for their last answer, and until when."""

    def start(self, generation: int) -> None:
        """Run the first generation: there is nobody to take anything from."""
        state = self._state
        for leg in self._desired.legs:
            self._open(leg)
        state.generation, state.memory.ran = generation, self._desired
        state.emit(GenerationRuns(generation, self._desired.owners, self._desired.owners))
        self._hand_over()  # what an earlier session did not come to

    def want(self, generation: int, desired: DesiredCharger) -> None:
        """Take a new generation; an unfinished one is superseded."""
        state = self._state
        if self._pending is not None:
            self._refuse(f"superseded by generation {generation}")
        if self._trial is not None:
            self._confirm(self._trial)  # it runs; whether it would have lasted is now the newer one's concern
        gaining = _gaining(self._desired.owners, desired.owners)
        obstacle = self._obstacle(desired, gaining)
        if obstacle is not None:
            state.emit(GenerationRefused(generation, obstacle))
            return
        self._pending = Pending(generation, desired, gaining, state.now + desired.flip.confirm_within_s)
        for leg in desired.legs:
            self._leaving.pop(leg.backend.name, None)
            self._prepare(leg, gains=leg.backend.name in gaining)
        self.advance()

    def _prepare(self, leg: DesiredLeg, *, gains: bool) -> None:
        """Bring a leg to where it can be registered: before the step, unless it owns something by its old address."""
        state, name = self._state, leg.backend.name
        existing = state.legs.get(name)
        if existing is None:
            self._open(leg)
        elif name not in self._desired.owners.values() and _dialled_otherwise(existing.spec, leg):
            self._respecify(existing, leg)
        elif gains and existing.phase is LegPhase.DOWN:
            state.emit(RedialLeg(existing.spec, "wanted as an owner"))

    def advance(self) -> None:
        """Look whether the change under way can take its step, or never will."""
        pending, state = self._pending, self._state
        if pending is not None:
            legs = [state.legs[name] for name in sorted(pending.gaining)]
            refused = next((leg for leg in legs if leg.phase in _REFUSED_PHASES), None)
            if refused is not None:
                self._refuse(refused.detail)
            elif all(leg.phase is LegPhase.REGISTERED for leg in legs):
                late = holds_back(
                    self._desired, pending.desired, state.memory
                )  # one may have begun since the flip was wanted
                if late is None:
                    self._step(pending)
                else:
                    self._refuse(late)
        if self._trial is not None:
            self._watch(self._trial)
        for name in list(self._leaving):
            self._close_if_idle(name, "no role on this charger any more")

    def _watch(self, trial: Trial) -> None:
        """Confirm the step once everybody who gained has answered anything; take it back where one can't."""
        legs = self._state.legs
        for name, before in list(trial.unheard.items()):
            leg = legs[name]
            if leg.answers > before:
                del trial.unheard[name]
            elif leg.phase not in _AT_WORK or self._state.now >= trial.deadline:
                said = leg.detail or f"{name} did not answer within {self._desired.flip.confirm_within_s:g} s"
                self._take_back(trial, said)
                return
        if not trial.unheard:
            self._confirm(trial)

    def _confirm(self, trial: Trial) -> None:
        state = self._state
        self._trial = None
        for name in sorted(state.legs.keys() - state.table.legs.keys()):
            self._leave(name)
        state.emit(GenerationRuns(trial.generation, trial.previous.owners, self._desired.owners))
        self._hand_over()

    def _hand_over(self) -> None:
        """Take away what old owners left, as far as the site wants it (R14)."""
        state = self._state
        policy, owners = self._desired.flip.handover, self._desired.owners
        for residue, (action, payload) in list(take_over(state.memory.residue, policy, owners, state.version)):
            self._downward.own_call(action, payload, residue)

    def _take_back(self, trial: Trial, reason: str) -> None:
        """Return to the owners of before the step; they never left."""
        state = self._state
        self._trial = None
        self._swap(trial.previous, trial.previous_generation)
        for name in sorted(state.legs.keys() - state.table.legs.keys()):
            self._leave(name)
        state.emit(GenerationRefused(trial.generation, f"went back: {reason}"))

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
        self._pending = self._trial = None
        self._leaving.clear()

    def next_timer(self) -> float:
        """Return when `expire` next has something to do, or NEVER."""
        due = min(self._leaving.values()) if self._leaving else NEVER
        if self._pending is not None:
            due = min(due, self._pending.deadline)
        if self._trial is not None:
            due = min(due, self._trial.deadline)
        return due

    def _obstacle(self, desired: DesiredCharger, gaining: frozenset[str]) -> str | None:
        state = self._state
        for leg in desired.legs:
            if leg.backend.name in gaining and state.version not in leg.backend.versions:
                spoken = ", ".join(leg.backend.versions)
                return f"the station speaks {state.version} on this connection, {leg.backend.name} only {spoken}"
        return holds_back(self._desired, desired, state.memory)

    def _step(self, pending: Pending) -> None:
        """Take the step, and put those who gained to the proof."""
        state, previous, previous_generation = self._state, self._desired, self._state.generation
        self._pending = None
        self._swap(pending.desired, pending.generation)
        unheard = {name: state.legs[name].answers for name in sorted(pending.gaining)}
        deadline = state.now + pending.desired.flip.confirm_within_s
        self._trial = Trial(pending.generation, previous, previous_generation, unheard, deadline)
        for name in unheard:
            self._upward.registration.prove(state.legs[name])
        self._watch(self._trial)

    def _swap(self, desired: DesiredCharger, generation: int) -> None:
        """Swap the tables: the one instant in which owners change."""
        state = self._state
        self._desired = desired
        state.table = RouteTable(desired, state.version)
        state.generation, state.memory.ran = generation, desired
        if state.memory.transactions:
            state.emit(RememberCharger())
        for leg in desired.legs:
            if leg.backend.name in state.legs:
                self._leaving.pop(leg.backend.name, None)
                self._respecify(state.legs[leg.backend.name], leg)
            else:
                self._open(leg)
        self._upward.registration.roles_changed()
        self._upward.owners_changed()
        self._downward.owners_changed()

    def _respecify(self, leg: CsmsLeg, spec: DesiredLeg) -> None:
        was, leg.spec = leg.spec, spec
        if _dialled_otherwise(was, spec):
            self._upward.leg_lost(leg, "dialled anew: its address or credentials changed")
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
        stations = leg.in_flight is not None and (leg.in_flight.call is not None or leg.in_flight.seq > 0)
        busy = leg.connected and (stations or self._downward.busy_with(name))
        if not busy or state.now >= self._leaving[name]:
            del self._leaving[name]
            self._close(name, reason)

    def _close(self, name: str, reason: str) -> None:
        self._upward.leg_lost(self._state.legs[name], reason)
        del self._state.legs[name]
        self._state.emit(CloseLeg(name, reason))


def _gaining(before: Mapping[str, str], after: Mapping[str, str]) -> frozenset[str]:
    """Return who owns a feature `after` that it did not own `before`."""
    gained: set[str] = set()
    for feature, owner in after.items():
        if owner not in gained and before.get(feature) != owner:
            gained.add(owner)
    return frozenset(gained)


def _dialled_otherwise(was: DesiredLeg, now: DesiredLeg) -> bool:
    """Return True where the connection itself has to change."""
    old, new = was.backend, now.backend
    before = (old.url, old.tls_url, old.security, old.compression, was.credentials)
    return before != (new.url, new.tls_url, new.security, new.compression, now.credentials)
