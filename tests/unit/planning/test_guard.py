"""Guards: what is refused unless a flag names it."""

import pytest

from reconciler.errors import FwdctlError
from reconciler.model.plan import Block, Disruption, Effect
from reconciler.planning.guard import Limits, Share, blocks, disrupted

SOME, NONE = ("x",), ()


def guards(
    flipped: int = 0,
    live: int = 0,
    limits: Limits | None = None,
    resources_after: tuple[str, ...] = SOME,
    before: tuple[str, ...] = SOME,
    after: tuple[str, ...] = SOME,
) -> list[str]:
    effects = [Effect(Disruption.LIVE_FLIP, chargers=tuple(f"cp{number}" for number in range(flipped)))]
    found: tuple[Block, ...] = blocks(
        effects,
        resources_after=resources_after,
        chargers_before=before,
        chargers_after=after,
        live=live,
        limits=limits or Limits(),
    )
    return [block.guard for block in found]


def test_ten_percent_of_more_than_ten_live_chargers_may_be_disrupted() -> None:
    assert guards(flipped=2, live=20) == []
    assert guards(flipped=3, live=20) == ["max-disruption"]
    assert guards(flipped=1, live=11) == []
    assert guards(flipped=2, live=11) == ["max-disruption"]


def test_a_handful_of_live_chargers_has_no_default_limit() -> None:
    assert guards(flipped=10, live=10) == []


@pytest.mark.parametrize(("share", "allowed"), [("3", 3), ("15%", 3), ("0", 0), ("0%", 0)])
def test_max_disruption_is_a_number_or_a_percentage_and_zero_means_none(share: str, allowed: int) -> None:
    limits = Limits(max_disruption=Share.parse(share))
    assert guards(flipped=allowed, live=20, limits=limits) == []
    assert guards(flipped=allowed + 1, live=20, limits=limits) == ["max-disruption"]


def test_a_limit_that_was_asked_for_holds_for_a_handful_too() -> None:
    assert guards(flipped=2, live=3, limits=Limits(max_disruption=Share.parse("1"))) == ["max-disruption"]


def test_live_sessions_count_not_offline_chargers_nor_unnoticed_changes() -> None:
    effects = [
        Effect(Disruption.NONE, chargers=("a",)),
        Effect(Disruption.LIVE_FLIP, chargers=("b",), deferred=("c",)),
        Effect(Disruption.RECONNECT, chargers=("d",)),
        Effect(Disruption.REFUSED, "it ends", chargers=("e",)),
    ]
    assert disrupted(effects) == ("b", "d", "e")


def test_leaving_nothing_declared_needs_its_flag() -> None:
    assert guards(resources_after=NONE, after=NONE) == ["empty"]
    assert guards(resources_after=NONE, after=NONE, limits=Limits(allow_empty=True)) == []


def test_deleting_every_charger_needs_its_flag() -> None:
    assert guards(after=NONE) == ["delete-all"]
    assert guards(after=NONE, limits=Limits(allow_delete_all=True)) == []
    assert guards(before=NONE, after=NONE) == []


def test_every_block_names_the_flag_that_allows_it() -> None:
    effects = [Effect(Disruption.RECONNECT, chargers=tuple("abc"))]
    (block,) = blocks(
        effects, resources_after=SOME, chargers_before=SOME, chargers_after=SOME, live=12, limits=Limits()
    )
    assert block.summary == "3 of 12 live chargers would be flipped, reconnected or disconnected, 1 may be (10%)"
    assert block.override == "--max-disruption 3"


@pytest.mark.parametrize("text", ["", "-1", "ten", "5 %", "101%", "1.5", "%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(FwdctlError):
        Share.parse(text)
