"""In hand: what an apply has taken, until it lets go of it, whatever ends the apply."""

import pytest

from reconciler.app.in_hand import LOOK_EVERY_S, InHand


def test_what_is_taken_is_in_hand_until_it_is_let_go_even_if_that_goes_wrong() -> None:
    gone: list[str] = []
    hand = InHand(lambda *names: gone.extend(names))

    def go_wrong() -> None:
        with hand.taken(["cp1", "cp2"]):
            assert "cp1" in hand
            assert gone == []
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        go_wrong()
    assert "cp1" not in hand
    assert gone == ["cp1", "cp2"]


def test_whoever_takes_nothing_lets_go_of_nothing() -> None:
    def let_go(*names: str) -> None:
        raise AssertionError(names)

    with InHand(let_go).taken([]):
        pass


def test_a_look_at_all_leaves_them_out_but_for_once_a_minute() -> None:
    hand = InHand(lambda *names: None)
    assert not hand.spared(1000.0)  # looks at all there is
    with hand.taken(["cp1"]):
        assert set(hand.spared(1005.0)) == {"cp1"}
        assert not hand.spared(1000.0 + LOOK_EVERY_S)
        assert set(hand.spared(1005.0 + LOOK_EVERY_S)) == {"cp1"}
    assert not hand.spared(1010.0 + LOOK_EVERY_S)
