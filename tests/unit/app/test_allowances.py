"""What is left to whom: a burst, then so much a second, and no more keys than the bound."""

from reconciler.app.allowances import Allowance, Allowances

THREE = Allowance(burst=3, per_s=0.5)


def test_a_key_has_its_burst_and_then_waits_for_the_next_one() -> None:
    left = Allowances()
    for _ in range(3):
        assert left.wait_s(("a", ""), THREE, 0) == 0
        left.take(("a", ""), THREE, 0)
    assert left.wait_s(("a", ""), THREE, 0) == 2
    assert left.wait_s(("b", ""), THREE, 0) == 0
    assert left.wait_s(("a", ""), THREE, 1) == 1
    assert left.wait_s(("a", ""), THREE, 2) == 0


def test_taking_more_than_there_is_leaves_no_debt() -> None:
    left = Allowances()
    for _ in range(100):
        left.take(("a", ""), THREE, 0)
    assert left.wait_s(("a", ""), THREE, 2) == 0


def test_what_comes_back_never_exceeds_the_burst() -> None:
    left = Allowances()
    left.take(("a", ""), THREE, 0)
    for _ in range(3):
        left.take(("a", ""), THREE, 1_000_000)
    assert left.wait_s(("a", ""), THREE, 1_000_000) == 2


def test_the_number_of_keys_is_bounded_and_whoever_came_longest_ago_is_forgotten() -> None:
    left, once = Allowances(maximum=10), Allowance(burst=1, per_s=1)
    for number in range(11):
        left.take((str(number), ""), once, 0)
    assert left.wait_s(("0", ""), once, 0) == 0
    assert [left.wait_s((str(number), ""), once, 0) for number in range(1, 11)] == [1] * 10
