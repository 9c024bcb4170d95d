"""Faults put into the relay core on purpose, each one a slip that somebody could make."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace

from reconciler.app.failover_watch import FailoverWatch
from reconciler.model.live import LegPhase
from reconciler.planning.failover import Health
from reconciler.relay.backlog import KEPT, Backlog
from reconciler.relay.composition import Composition
from reconciler.relay.downward import Downcall, Downward
from reconciler.relay.envelope import Frame
from reconciler.relay.flip import Flip
from reconciler.relay.leg import NEVER, CsmsLeg, Origin
from reconciler.relay.list_version import ListVersion
from reconciler.relay.mapped_ids import MappedIds
from reconciler.relay.registration import Registration
from reconciler.relay.routing import RouteTable
from reconciler.relay.session import Session
from reconciler.relay.state import SessionState
from reconciler.relay.station_calls import StationCalls
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


def transactions_move_between_sessions(patch: pytest.MonkeyPatch) -> None:
    """R10: `openTransaction` is forgotten where the station reconnects, or the relay is restarted."""
    patch.setattr("reconciler.relay.session.begins_with", lambda desired, memory, version: desired)


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


def payloads_are_tidied(patch: pytest.MonkeyPatch) -> None:
    """R1: a frame that gets another id loses its spaces, too."""
    with_id = Frame.with_id
    patch.setattr(Frame, "with_id", lambda self, token: with_id(self, token).replace(b" ", b""))


def calls_are_never_given_up(patch: pytest.MonkeyPatch) -> None:
    """R2: the station waits for as long as its owner likes."""
    patch.setattr(StationCalls, "next_timer", lambda self: NEVER)
    patch.setattr(StationCalls, "expire", lambda self: None)


def one_feature_stays_behind(patch: pytest.MonkeyPatch) -> None:
    """R5: a step forgets a feature."""
    swap = Flip._swap

    def forgetful(self: Any, desired: Any, generation: int) -> None:
        before = self._state.table.owners["availability"]
        swap(self, desired, generation)
        if before in self._state.legs:
            self._state.table.owners = {**self._state.table.owners, "availability": before}

    patch.setattr(Flip, "_swap", forgetful)


def nobody_is_waited_for(patch: pytest.MonkeyPatch) -> None:
    """R6: the transactions owner's answer is enough."""
    patch.setattr(Composition, "complete", property(lambda self: self.base is not None))


def the_base_stands_alone(patch: pytest.MonkeyPatch) -> None:
    """R6: everybody is asked, and one is heard."""
    patch.setattr(Composition, "compose", lambda self, base: base)


def chosen_ids_pass_as_they_are(patch: pytest.MonkeyPatch) -> None:
    """R9: two back-ends' reservations 1 are one at the station."""
    patch.setattr(MappedIds, "to_station", lambda self, backend, fields, payload: (payload, False))


def list_versions_pass_as_they_are(patch: pytest.MonkeyPatch) -> None:
    """R9: everybody hears of the one list that the station has."""
    patch.setattr(ListVersion, "to_backend", lambda self, version, backend, payload: payload)


def ids_are_not_stored_first(patch: pytest.MonkeyPatch) -> None:
    """R9: the station sees an id that a kill makes forgotten."""
    send = SessionState.send_station
    patch.setattr(SessionState, "send_station", lambda self, frame, after_commit=False: send(self, frame))


def acknowledged_before_it_is_stored(patch: pytest.MonkeyPatch) -> None:
    """R11: the answer does not wait for the store."""
    keep = StationCalls._keep_in_order

    def hasty(self: Any, station_call: Any) -> bool:
        kept = keep(self, station_call)
        if kept:
            self._state.send_station(b"[3,%b,{}]" % station_call.frame.id_token)
        return kept

    patch.setattr(StationCalls, "_keep_in_order", hasty)


def the_newest_goes_first(patch: pytest.MonkeyPatch) -> None:
    """R11: the backlog goes up from its end."""
    patch.setattr(Backlog, "__iter__", lambda self: reversed(self._kept))


def what_was_kept_is_not_read(patch: pytest.MonkeyPatch) -> None:
    """R11: a relay that was killed begins with nothing."""
    patch.setattr(Backlog, "restore", lambda self, stored: None)


def anybody_is_authorized(patch: pytest.MonkeyPatch) -> None:
    """R11: the relay says yes in the owner's place."""
    for version, actions in KEPT.items():
        patch.setitem(KEPT, version, actions | {"Authorize"})


def nobody_stands_in(patch: pytest.MonkeyPatch) -> None:
    """R11: an owner that is away is taken to be well."""
    patch.setattr("reconciler.app.failover_watch.is_well", lambda live, backend: True)


def the_first_moment_decides(patch: pytest.MonkeyPatch) -> None:
    """R11: nobody waits whether a back-end stays away, or stays."""
    patch.setattr(Health, "seen", lambda self, well, now_s, patience: Health(well, now_s, well))


def everybody_comes_back_by_itself(patch: pytest.MonkeyPatch) -> None:
    """R11: who was to wait for a hand does not."""
    begin = FailoverWatch._begin

    async def short(self: Any, charger: Any, backend: str, patience: Any) -> Any:
        return replace(await begin(self, charger, backend, patience), back="auto")

    patch.setattr(FailoverWatch, "_begin", short)


def a_stand_in_does_nothing(patch: pytest.MonkeyPatch) -> None:
    """R11: a failover is written down, and changes no role."""
    patch.setattr("reconciler.planning.effective.stand_in_roles", lambda charger, away: {})


def kept_calls_go_to_whoever_had_them(patch: pytest.MonkeyPatch) -> None:
    """R11: a kept call that a loser left unanswered waits for the loser again."""

    def loyal(self: Any, leg: Any, upcall: Any) -> None:
        upcall.deadline = NEVER
        leg.waiting.appendleft(upcall)

    patch.setattr(Upward, "_once_more", loyal)


def what_waited_is_kept_last(patch: pytest.MonkeyPatch) -> None:
    """R11: a call is kept at once, whatever waits before it."""

    def hasty(self: Any, leg: Any) -> None:
        upcall = leg.waiting[-1]
        if upcall.call is not None and self.calls.keep(upcall.call):
            leg.waiting.pop()

    patch.setattr(Upward, "_keep_waiting", hasty)


def losers_are_waited_for(patch: pytest.MonkeyPatch) -> None:
    """R2: what was under way at a loser whose connection broke is nobody's."""
    patch.setattr(Upward, "leg_lost", lambda self, leg, reason: leg.closed(self._state.now, reason))


def connections_are_counted_anew(patch: pytest.MonkeyPatch) -> None:
    """R4: a back-end that left and came again has its first connection once more."""

    def counted(self: Any, leg: Any) -> bool:
        return leg is not None and leg.connected and leg.incarnation == self._incarnation

    patch.setattr(Downcall, "came_on", counted)


def copies_are_lost_in_trials(patch: pytest.MonkeyPatch) -> None:
    """R7: a copy that was to be its receiver's own is forgotten when that is taken back."""
    patch.setattr(CsmsLeg, "drop_backlog", lambda self: self.drop_waiting(Origin.BACKLOG))


def unanswered_lists_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """R9: a list whose answer never came is taken not to be there."""
    to_station = ListVersion.to_station

    def forgetful(self: Any, version: str, backend: str, payload: bytes) -> bytes:
        sent = to_station(self, version, backend, payload)
        self._unanswered.clear()
        return sent

    patch.setattr(ListVersion, "to_station", forgetful)


def what_concerns_a_leg_passes(patch: pytest.MonkeyPatch) -> None:
    """R13: nothing is terminated."""
    for module in ("leg_orders", "upward"):
        patch.setattr(f"reconciler.relay.{module}.concerns_leg", lambda row, frame, deletable: False)


def nothing_is_taken_over(patch: pytest.MonkeyPatch) -> None:
    """R14: whatever the policy says, all is kept."""
    patch.setattr("reconciler.relay.flip.take_over", lambda book, policy, owners, version: ())


def taken_away_in_any_case(patch: pytest.MonkeyPatch) -> None:
    """R14: what is gone by now, or its owner's again, is taken away once more."""
    patch.setattr(Downward, "_stands", lambda self, residue: True)


def commands_pile_up(patch: pytest.MonkeyPatch) -> None:
    """R15: the queue is not bounded in number."""
    patch.setattr(Downward, "_waiting", lambda self: 0)


def nonsense_raises(patch: pytest.MonkeyPatch) -> None:
    """R16: what can't be read ends the session."""

    def helpless(self: Any, frame: Any, sender: str, answer: Any) -> None:
        raise ValueError(sender)

    patch.setattr(Session, "_unreadable", helpless)


MUTANTS: Final[tuple[tuple[Mutant, str] | tuple[Mutant, str, int], ...]] = (
    (payloads_are_tidied, "R1"),
    (calls_are_never_given_up, "R2"),
    (observers_answer_too, "R2"),
    (a_second_call_at_the_station, "R3"),
    (two_calls_on_a_leg, "R3"),
    (commands_wait_for_ever, "R3"),
    (commands_keep_their_ids, "R4"),
    (late_answers_count, "R3"),
    (answers_for_any_connection, "R4"),
    (one_feature_stays_behind, "R5"),
    (nobody_is_waited_for, "R6"),
    (the_base_stands_alone, "R6", 11),
    (no_copies, "R7"),
    (anybody_may_command, "R8"),
    (the_losers_queue_is_delivered, "R8"),
    (the_boot_is_not_replayed, "R9"),
    (statuses_are_not_replayed, "R9"),
    (no_heartbeats, "R9"),
    (everybody_hears_the_owners_transaction_id, "R9"),
    (chosen_ids_pass_as_they_are, "R9"),
    (list_versions_pass_as_they_are, "R9"),
    (ids_are_not_stored_first, "R9"),
    (flips_before_registration, "R10"),
    (transactions_move_between_sessions, "R10", 9),
    (acknowledged_before_it_is_stored, "R11"),
    (the_newest_goes_first, "R11"),
    (what_was_kept_is_not_read, "R11"),
    (anybody_is_authorized, "R11"),
    (nobody_stands_in, "R11"),
    (the_first_moment_decides, "R11"),
    (everybody_comes_back_by_itself, "R11", 23),
    (a_stand_in_does_nothing, "R11"),
    (kept_calls_go_to_whoever_had_them, "R11", 28),
    (what_waited_is_kept_last, "R11", 27),
    (losers_are_waited_for, "R2", 26),
    (connections_are_counted_anew, "R4", 11),
    (copies_are_lost_in_trials, "R7", 175),
    (unanswered_lists_are_forgotten, "R9", 15),
    (legs_outlive_the_station, "R12"),
    (what_concerns_a_leg_passes, "R13"),
    (nothing_is_taken_over, "R14"),
    (taken_away_in_any_case, "R14"),
    (commands_pile_up, "R15"),
    (nonsense_raises, "R16"),
)
"""Every mutant, with a rule that it must be caught by, and the seed to begin with where what it breaks is rare."""
