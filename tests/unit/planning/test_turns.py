"""Turns: chargers that wait for their turn, or are paused, run as they did."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.model.interventions import Interventions
from reconciler.model.rollouts import Hold, Pause
from reconciler.planning.turns import after_apply, as_held, holds_in_force, paused_chargers
from tests.support.clock import EPOCH
from tests.support.specs import a_site, resolved, without

LEADS, FOLLOWS = {"partner": "primary", "grid": "passive"}, {"partner": "passive", "grid": "primary"}
OLD, NEW = resolved(a_site(2, LEADS)), resolved(a_site(2, FOLLOWS))
PAUSE = Pause("cp000", EPOCH, None, "works", "ann")


def held(*holds: Hold, pauses: tuple[Pause, ...] = ()) -> Interventions:
    return Interventions(holds=holds, pauses=pauses)


def test_a_held_charger_runs_as_its_base_has_it_and_the_others_as_declared() -> None:
    site = as_held(NEW, {"cp000": Hold("cp000", 1, "r")}, {1: OLD})
    assert site.chargers["cp000"] is OLD.chargers["cp000"]
    assert site.chargers["cp001"] is NEW.chargers["cp001"]
    assert as_held(NEW, {}, {}) is NEW


def test_who_was_not_there_is_not_there_yet_and_who_was_deleted_still_is() -> None:
    fewer = resolved(without(a_site(2, LEADS), "cp001"))
    assert "cp001" not in as_held(NEW, {"cp001": Hold("cp001", 1, "r")}, {1: fewer}).chargers
    assert "cp001" in as_held(fewer, {"cp001": Hold("cp001", 1, "r")}, {1: OLD}).chargers


def test_a_hold_of_a_paused_charger_ends_with_the_pause() -> None:
    hold = Hold("cp000", 1, "r", paused=True)
    assert holds_in_force(held(hold), {"cp000": "by ann"}) == {"cp000": hold}
    assert holds_in_force(held(hold), {}) == {}
    turn = replace(hold, paused=False)
    assert holds_in_force(held(turn), {}) == {"cp000": turn}


def test_a_charger_is_paused_by_hand_or_by_its_binding() -> None:
    assert paused_chargers(NEW, held()) == {}
    assert paused_chargers(NEW, held(pauses=(PAUSE,))) == {"cp000": "by ann (works)"}
    until = replace(PAUSE, until=EPOCH + timedelta(hours=2))
    assert paused_chargers(NEW, held(pauses=(until,)))["cp000"] == "by ann until 2026-12-01 04:00 UTC (works)"
    declared = resolved(a_site(2, LEADS, reconcile="paused"))
    assert paused_chargers(declared, held())["cp001"] == "by backend-binding.a"


def test_what_is_applied_to_a_paused_charger_waits_until_it_is_resumed() -> None:
    after = after_apply(OLD, NEW, OLD, held(pauses=(PAUSE,)))
    assert after.waits == {"cp000": "it is resumed (paused by ann (works))"}
    assert after.site.chargers["cp000"].owners["transactions"] == "grid"


def test_a_charger_that_is_new_does_not_wait_though_it_is_paused() -> None:
    nothing = resolved(without(a_site(2, LEADS), "cp000", "cp001"))
    assert after_apply(nothing, NEW, nothing, held(pauses=(PAUSE,))).waits == {}


def test_an_apply_that_does_not_concern_a_waiting_charger_leaves_it_waiting() -> None:
    more = resolved(a_site(3, FOLLOWS))
    state = held(Hold("cp000", 1, "r"))
    running = as_held(NEW, {"cp000": Hold("cp000", 1, "r")}, {1: OLD})
    assert after_apply(NEW, more, running, state).site.chargers["cp000"] is OLD.chargers["cp000"]


def test_an_apply_that_concerns_it_takes_it_over() -> None:
    changed = resolved(a_site(2, {"partner": "passive", "grid": "passive", "local": "primary"}))
    running = as_held(NEW, {"cp000": Hold("cp000", 1, "r")}, {1: OLD})
    after = after_apply(NEW, changed, running, held(Hold("cp000", 1, "r")))
    assert after.site.chargers["cp000"].owners["transactions"] == "local"
