"""Load management in a depot with plausible physics and a bad network: the sum never exceeds the limit.

Twenty chargers, eight of them a partner's; cars come and go, six chargers change hands and three come back, meters fall
silent, profiles are rejected, answers are lost. Hypothesis says with which seed.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.local.load import allotments
from reconciler.local.load.balance import Balance
from reconciler.local.load.facts import Terms
from tests.support.load_world import depot, live_a_day

seeds = st.integers(0, 2**32 - 1)
STRICT = Terms("depot", 330_000.0, 4_000.0, others="rated")
OURS = Terms("depot", 100_000.0, 4_000.0)
BY_METER = Terms("depot", 310_000.0, 4_000.0, by_priority=True, reserve_w=22_000.0)


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_greedy_cars_of_twenty_chargers_that_are_all_ours_never_exceed_it(seed: int) -> None:
    world = depot(seed, OURS, governed=20, foreign=0, greedy=True)
    live_a_day(world, flips=0)
    assert max(world.sums) <= OURS.limit_w + 1


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_twelve_of_twenty_a_flip_of_six_and_greedy_cars_where_the_partners_count_with_their_rating(seed: int) -> None:
    world = depot(seed, STRICT, greedy=True)
    live_a_day(world)
    assert max(world.sums) <= STRICT.limit_w + 1


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_where_the_partners_count_with_what_they_draw_only_what_nobody_foresaw_is_above_it(seed: int) -> None:
    world = depot(seed, BY_METER)
    live_a_day(world)
    assert max(world.sums) <= BY_METER.limit_w + 1
    beyond = [drawn - BY_METER.limit_w - extra for drawn, extra in zip(world.sums, world.unforeseen, strict=True)]
    assert max(beyond) <= 1


@pytest.mark.parametrize("seed", range(2))
def test_power_is_given_out_and_not_only_withheld(seed: int) -> None:
    world = depot(seed, OURS, governed=20, foreign=0, greedy=True)
    live_a_day(world, flips=0)
    assert max(world.sums) > 0.8 * OURS.limit_w  # the rest is what idle chargers keep
    assert world.asked < 2.5 * len(world.sums)  # twenty chargers, somebody comes or goes every 20 s


def test_the_depot_notices_when_cars_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allotments, "FOLLOW_S", 0.0)
    world = depot(6, OURS, governed=20, foreign=0, greedy=True)
    live_a_day(world, flips=0)
    assert max(world.sums) > OURS.limit_w + 1


def test_the_depot_notices_when_limits_are_raised_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Balance, "_sum_w", lambda self, now_s: 0.0)
    world = depot(0, STRICT, greedy=True)
    live_a_day(world)
    assert max(world.sums) > STRICT.limit_w + 1
