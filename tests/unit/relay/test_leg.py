"""One CSMS leg: what may be sent on it, and what survives its connection (R3, R9)."""

import pytest

from reconciler.model.desired import DesiredLeg
from reconciler.model.live import LegPhase
from reconciler.relay.leg import NEVER, CsmsLeg, Origin, Upcall
from tests.support.roles import PRIMARY, backend

BOOT = Upcall(Origin.BOOT, "BootNotification", 50.0)
OWN = Upcall(Origin.OWN, "StatusNotification", 50.0)
STATION = Upcall(Origin.STATION, "Authorize", 40.0)
COPY = Upcall(Origin.COPY, "MeterValues", 60.0)


def leg(*waiting: Upcall, phase: LegPhase = LegPhase.REGISTERED, half_duplex: bool = False) -> CsmsLeg:
    made = CsmsLeg(DesiredLeg(backend("home", half_duplex=half_duplex), PRIMARY), 0.0)
    made.opened(1.0)
    made.enter(phase, 1.0)
    made.waiting.extend(waiting)
    return made


def test_a_new_leg_is_dialled_and_not_connected() -> None:
    made = CsmsLeg(DesiredLeg(backend("home"), PRIMARY), 5.0)
    assert (made.name, made.phase, made.since, made.connected) == ("home", LegPhase.DIALLING, 5.0, False)
    assert made.next_call() is None
    assert made.next_timer() == NEVER


def test_calls_go_out_one_at_a_time_in_order() -> None:
    made = leg(STATION, COPY)
    made.in_flight = made.next_call()
    assert made.in_flight is STATION
    assert made.next_call() is None
    made.in_flight = None
    assert made.next_call() is COPY
    assert made.next_call() is None


@pytest.mark.parametrize("phase", sorted(set(LegPhase) - {LegPhase.REGISTERED, LegPhase.DIALLING, LegPhase.DOWN}))
def test_nothing_but_a_boot_goes_out_before_registration(phase: LegPhase) -> None:
    assert leg(COPY, phase=phase).next_call() is None
    assert leg(BOOT, COPY, phase=phase).next_call() is BOOT


@pytest.mark.parametrize("phase", [LegPhase.DIALLING, LegPhase.DOWN])
def test_nothing_goes_out_without_a_connection(phase: LegPhase) -> None:
    assert leg(BOOT, phase=phase).next_call() is None


def test_a_transparent_leg_lets_the_stations_own_pass_and_nothing_else() -> None:
    made = leg(COPY, STATION, OWN, phase=LegPhase.PENDING)
    made.transparent = True
    assert made.next_call() is STATION
    assert made.next_call() is None
    assert list(made.waiting) == [COPY, OWN]


def test_a_half_duplex_back_end_is_not_called_while_its_own_call_is_open() -> None:
    made = leg(COPY, half_duplex=True)
    made.commands_open.add("c1")
    assert made.next_call() is None
    made.commands_open.clear()
    assert made.next_call() is COPY


def test_a_lost_connection_keeps_what_the_next_one_can_use() -> None:
    made = leg(BOOT, OWN, COPY)
    made.in_flight = STATION
    made.transparent, made.heartbeat_due, made.boot_due = True, 9.0, 9.0
    made.commands_open.add("c1")
    made.closed(7.0, "lost")
    assert list(made.waiting) == [STATION, COPY]
    assert (made.phase, made.since, made.detail, made.in_flight) == (LegPhase.DOWN, 7.0, "lost", None)
    assert (made.transparent, made.heartbeat_due, made.boot_due) == (False, None, None)
    assert not made.commands_open


def test_a_leg_is_down_since_it_went_down() -> None:
    made = leg()
    made.closed(7.0, "lost")
    made.closed(9.0, "refused")
    assert (made.since, made.detail) == (7.0, "refused")


def test_every_connection_has_its_own_number() -> None:
    made = leg()
    made.closed(7.0, "lost")
    made.opened(8.0)
    assert (made.incarnation, made.phase) == (2, LegPhase.CONNECTED)


def test_waiting_calls_can_be_forgotten_by_origin_and_action() -> None:
    status = Upcall(Origin.COPY, "StatusNotification", 60.0)
    made = leg(COPY, status, OWN)
    made.drop_waiting(Origin.COPY, "StatusNotification")
    assert list(made.waiting) == [COPY, OWN]
    made.drop_waiting(Origin.COPY)
    assert list(made.waiting) == [OWN]


def test_a_boot_is_known_whether_waiting_or_under_way() -> None:
    assert leg(COPY, BOOT).has_boot()
    made = leg()
    assert not made.has_boot()
    made.in_flight = BOOT
    assert made.has_boot()


def test_the_next_timer_is_the_earliest() -> None:
    made = leg(COPY, OWN)
    assert made.next_timer() == 50.0
    made.in_flight = STATION
    assert made.next_timer() == 40.0
    made.heartbeat_due = 30.0
    made.boot_due = 20.0
    assert made.next_timer() == 20.0
