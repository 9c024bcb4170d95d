"""Faults put into the relay core on purpose, each one a slip that somebody could make."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from reconciler.model.live import LegPhase
from reconciler.relay.downward import Downward
from reconciler.relay.envelope import Frame
from reconciler.relay.flip import Flip
from reconciler.relay.leg import CsmsLeg
from reconciler.relay.registration import Registration
from reconciler.relay.routing import RouteTable
from reconciler.relay.session import Session
from reconciler.relay.transaction_ids import TransactionIdTable
from reconciler.relay.upward import Upward

Mutant = Callable[[pytest.MonkeyPatch], None]


def anybody_may_command(patch: pytest.MonkeyPatch) -> None:
    """R8: the refusal check always allows."""
    patch.setattr(RouteTable, "refusal_of_command", lambda self, backend, frame: None)


def commands_keep_their_ids(patch: pytest.MonkeyPatch) -> None:
    """R4: ids are not rewritten."""
    rewritten = Frame.rewritten
    patch.setattr(Frame, "rewritten", lambda self, token, payload: rewritten(self, self.id_token, payload))


def a_second_call_at_the_station(patch: pytest.MonkeyPatch) -> None:
    """R3: the slot counts for nothing."""
    pump = Downward.pump

    def heedless(self: Any) -> None:
        self._in_flight = None
        pump(self)

    patch.setattr(Downward, "pump", heedless)


def two_calls_on_a_leg(patch: pytest.MonkeyPatch) -> None:
    """R3: a leg's call under way counts for nothing."""
    next_call = CsmsLeg.next_call

    def heedless(self: Any) -> Any:
        self.in_flight = None
        return next_call(self)

    patch.setattr(CsmsLeg, "next_call", heedless)


def observers_answer_too(patch: pytest.MonkeyPatch) -> None:
    """R7: an observer's answer is forwarded."""
    read = Upward._read_copy_answer

    def forward(self: Any, leg: Any, upcall: Any, frame: Any) -> None:
        read(self, leg, upcall, frame)
        if upcall.frame is not None:
            self._state.send_station(frame.with_id(upcall.frame.id_token))

    patch.setattr(Upward, "_read_copy_answer", forward)


def no_copies(patch: pytest.MonkeyPatch) -> None:
    """R7: observers get nothing."""
    patch.setattr(Upward, "_copy", lambda self, leg, frame, ids: None)


def late_answers_count(patch: pytest.MonkeyPatch) -> None:
    """R3: whatever a back-end answers is taken for the answer to what is under way."""
    answered = Upward.leg_answered

    def credulous(self: Any, leg: Any, frame: Any) -> None:
        if leg.in_flight is not None:
            leg.in_flight.key = frame.id
        answered(self, leg, frame)

    patch.setattr(Upward, "leg_answered", credulous)


def answers_for_any_connection(patch: pytest.MonkeyPatch) -> None:
    """R4: an answer reaches a later connection than the one that asked."""
    patch.setattr(Downward, "_leg_of", lambda self, downcall: self._state.legs.get(downcall.backend))


def the_boot_is_not_replayed(patch: pytest.MonkeyPatch) -> None:
    """R9: a leg counts as registered as soon as it is connected."""
    patch.setattr(Registration, "_replay_boot", lambda self, leg: leg.enter(LegPhase.REGISTERED, self._state.now))


def statuses_are_not_replayed(patch: pytest.MonkeyPatch) -> None:
    """R9: a new connection never hears of the connectors."""
    accepted = Registration._accepted_by

    def forgetful(self: Any, leg: Any, interval_s: float) -> None:
        statuses, self._state.memory.statuses = self._state.memory.statuses, {}
        accepted(self, leg, interval_s)
        self._state.memory.statuses = statuses

    patch.setattr(Registration, "_accepted_by", forgetful)


def no_heartbeats(patch: pytest.MonkeyPatch) -> None:
    """R9: the relay never beats by itself."""

    def skip(self: Any, leg: Any) -> None:
        leg.heartbeat_due = self._state.now + leg.heartbeat_interval_s

    patch.setattr(Registration, "_beat", skip)


def everybody_hears_the_owners_transaction_id(patch: pytest.MonkeyPatch) -> None:
    """R9: transaction ids are not mapped."""
    patch.setattr(TransactionIdTable, "to_backend", lambda self, backend, action, payload, *, owner: payload)


def flips_before_registration(patch: pytest.MonkeyPatch) -> None:
    """R10: the step is taken at once, and never proven."""
    want = Flip.want

    def hasty(self: Any, generation: int, desired: Any) -> None:
        want(self, generation, desired)
        if self._pending is not None:
            self._step(self._pending)

    patch.setattr(Flip, "want", hasty)
    patch.setattr(Flip, "_watch", Flip._confirm)


def the_losers_queue_is_delivered(patch: pytest.MonkeyPatch) -> None:
    """R10: queued commands survive a flip."""
    patch.setattr(Downward, "owners_changed", lambda self: None)


def commands_wait_for_ever(patch: pytest.MonkeyPatch) -> None:
    """R3: the queue is not bounded in time."""
    patch.setattr(Downward, "expire", lambda self: None)


def legs_outlive_the_station(patch: pytest.MonkeyPatch) -> None:
    """R12: the station's end is nobody's end."""

    def careless(self: Any, reason: str) -> None:
        self._state.station_open = False

    patch.setattr(Session, "_station_closed", careless)


MUTANTS: Final[tuple[tuple[Mutant, str], ...]] = (
    (anybody_may_command, "R8"),
    (commands_keep_their_ids, "R4"),
    (a_second_call_at_the_station, "R3"),
    (two_calls_on_a_leg, "R3"),
    (observers_answer_too, "R2"),
    (no_copies, "R7"),
    (late_answers_count, "R4"),
    (answers_for_any_connection, "R4"),
    (the_boot_is_not_replayed, "R9"),
    (statuses_are_not_replayed, "R9"),
    (no_heartbeats, "R9"),
    (everybody_hears_the_owners_transaction_id, "R9"),
    (flips_before_registration, "R10"),
    (the_losers_queue_is_delivered, "R8"),
    (commands_wait_for_ever, "R3"),
    (legs_outlive_the_station, "R12"),
)
"""Every mutant, with a rule that it must be caught by."""
