"""Pacing: who goes first, and how fast the others follow."""

import pytest

from reconciler.model.plan import Disruption, Effect
from reconciler.planning.guard import Share
from reconciler.planning.pacing import JITTER, Pace, Tempo, canaries

NAMES = tuple(f"cp{number:03}" for number in range(40))


def flips(*names: str) -> Effect:
    return Effect(Disruption.LIVE_FLIP, chargers=names, deferred=("offline",))


@pytest.mark.parametrize(("share", "count"), [("5%", 2), ("1%", 1), ("0%", 1), ("7", 7), ("99", 40), ("100%", 40)])
def test_canaries_are_a_share_of_the_live_ones_and_at_least_one(share: str, count: int) -> None:
    assert len(canaries([flips(*NAMES)], Share.parse(share))) == count


def test_canaries_are_spread_and_always_the_same() -> None:
    chosen = canaries([flips(*NAMES)], Share.parse("10%"))
    assert sorted(chosen) == ["cp000", "cp010", "cp020", "cp030"]
    assert chosen == canaries([flips(*reversed(NAMES))], Share.parse("10%"))


def test_who_is_offline_or_notices_nothing_proves_nothing() -> None:
    quiet = Effect(Disruption.NONE, chargers=("cp001",))
    waiting = Effect(Disruption.REFUSED, until="later", chargers=("cp002",))
    gone = Effect(Disruption.DISCONNECT, chargers=("cp003",))
    assert canaries([quiet, waiting, gone, flips()], Share.parse("50%")) == frozenset()
    assert canaries([flips(*NAMES)], None) == frozenset()


def test_flips_follow_each_other_at_the_rate_that_was_asked_for() -> None:
    tempo = Tempo(Pace(flips_per_s=10))
    assert [round(tempo.wait_s("live flip", 100.0, 0.9), 3) for _ in range(3)] == [0.0, 0.1, 0.2]
    assert tempo.wait_s("live flip", 200.0, 0.9) == 0.0
    assert tempo.wait_s("none", 100.0, 0.9) == 0.0


def test_reconnects_are_spread_by_chance_around_their_rate() -> None:
    def gaps(chance: float) -> float:
        tempo = Tempo(Pace(reconnects_per_s=1))
        tempo.wait_s("reconnect", 0.0, chance)
        return tempo.wait_s("reconnect", 0.0, chance)

    assert [gaps(chance) for chance in (0.0, 0.5, 1.0)] == [1 - JITTER, 1.0, 1 + JITTER]


def test_no_rate_holds_nothing_back() -> None:
    tempo = Tempo(Pace(reconnects_per_s=None))
    assert {tempo.wait_s(kind, 0.0, 0.5) for kind in ("reconnect", "live flip", "refused") for _ in range(5)} == {0.0}
