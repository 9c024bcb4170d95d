"""Rollouts: what is kept of an apply."""

from datetime import timedelta

from reconciler.model.rollouts import HELD, UNFINISHED, Pause
from tests.support.clock import EPOCH


def test_a_pause_is_half_open_and_without_an_end_lasts() -> None:
    pause = Pause("cp001", EPOCH, EPOCH + timedelta(hours=1), "works", "ann")
    assert pause.holds_at(EPOCH)
    assert not pause.holds_at(EPOCH + timedelta(hours=1))
    assert Pause("cp001", EPOCH, None, "works", "ann").holds_at(EPOCH + timedelta(days=999))


def test_whoever_is_held_is_not_finished() -> None:
    assert set(HELD) < set(UNFINISHED)
