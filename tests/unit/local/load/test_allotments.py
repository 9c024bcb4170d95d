"""What a charger may draw at most, whatever became of what it was asked."""

from reconciler.local.load.allotments import FOLLOW_S, Allotment

RATED_W = 22_000.0


def accepted(watts: float, *, before_w: float = RATED_W, now_s: float = 0.0) -> Allotment:
    allotment = Allotment()
    allotment.ask(watts, now_s)
    allotment.answered("accepted", before_w, now_s)
    return allotment


def test_without_a_limit_it_may_draw_all_it_is_built_for() -> None:
    allotment = Allotment()
    assert (allotment.ceiling_w(RATED_W, 0.0), allotment.durable_w(RATED_W)) == (RATED_W, None)


def test_a_lower_limit_counts_once_the_car_has_followed_it() -> None:
    allotment = accepted(6_000)
    assert allotment.ceiling_w(RATED_W, FOLLOW_S - 1) == RATED_W
    assert allotment.next_change_s(0.0) == FOLLOW_S
    assert allotment.ceiling_w(RATED_W, FOLLOW_S) == 6_000


def test_while_more_is_asked_for_it_counts_with_the_more() -> None:
    allotment = accepted(6_000)
    allotment.ask(9_000, 20.0)
    assert (allotment.ceiling_w(RATED_W, 20.0), allotment.durable_w(RATED_W)) == (9_000, 9_000)
    allotment.answered("rejected", 9_000, 21.0, "Rejected")
    assert (allotment.ceiling_w(RATED_W, 21.0), allotment.problem) == (6_000, "Rejected")


def test_an_answer_that_was_lost_leaves_the_higher_of_two_until_one_is_accepted() -> None:
    allotment = accepted(6_000)
    allotment.ask(9_000, 20.0)
    allotment.answered("lost", 9_000, 50.0, "no answer")
    assert (allotment.ceiling_w(RATED_W, 50.0), allotment.durable_w(RATED_W)) == (9_000, 9_000)
    allotment.ask(4_000, 60.0)
    allotment.answered("lost", 9_000, 90.0)
    assert allotment.ceiling_w(RATED_W, 90.0) == 9_000
    allotment.ask(4_000, 100.0)
    allotment.answered("accepted", 9_000, 101.0)
    assert allotment.ceiling_w(RATED_W, 101.0 + FOLLOW_S) == 4_000


def test_who_says_no_is_asked_less_and_less_often() -> None:
    allotment = accepted(6_000)
    waits = []
    for _ in range(7):
        allotment.ask(9_000, 0.0)
        allotment.answered("rejected", 9_000, 0.0)
        waits.append(allotment.retry_at_s)
    assert waits == [5, 10, 20, 40, 80, 120, 120]


def test_an_answer_to_nothing_changes_nothing() -> None:
    allotment = Allotment(5_000)
    allotment.answered("accepted", 5_000, 1.0)
    assert allotment.limit_w == 5_000
    allotment.released()
    assert allotment.ceiling_w(RATED_W, 1.0) == RATED_W
