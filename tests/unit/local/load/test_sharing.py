"""Who gets how much: alike, by priority, and never more than there is."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.local.load.sharing import Claim, share

KW = 1000.0


def car(name: str, since_s: float = 0.0, *, rated: float = 22, wants: float | None = None, priority: int = 0) -> Claim:
    return Claim(name, rated * KW, (rated if wants is None else wants) * KW, since_s, priority)


def idle(name: str, rated: float = 22) -> Claim:
    return Claim(name, rated * KW, rated * KW)


def shares(budget: float, *claims: Claim, least: float = 0, by_priority: bool = False) -> dict[str, float]:
    found = share(budget * KW, claims, least * KW, by_priority=by_priority)
    return {name: round(watts / KW, 3) for name, watts in found.items()}


def test_all_get_the_same() -> None:
    assert shares(30, car("a"), car("b"), car("c")) == {"a": 10, "b": 10, "c": 10}


def test_what_one_does_not_use_is_for_the_others() -> None:
    assert shares(30, car("a", wants=4), car("b"), car("c")) == {"a": 4, "b": 13, "c": 13}


def test_what_nobody_uses_is_headroom_then_the_idle_ones() -> None:
    assert shares(30, car("a", wants=4), car("b", rated=11), idle("c")) == {"a": 19, "b": 11, "c": 0}
    assert shares(60, car("a", wants=4), car("b", rated=11), idle("c"), idle("d")) == {
        "a": 22,
        "b": 11,
        "c": 13.5,
        "d": 13.5,
    }


def test_below_the_minimum_the_last_to_come_pause() -> None:
    assert shares(20, car("a", 1), car("b", 3), car("c", 2), least=7) == {"a": 10, "b": 0, "c": 10}


def test_idle_ones_keep_the_minimum_where_it_fits() -> None:
    assert shares(30, car("a"), idle("b"), idle("c"), least=7) == {"a": 16, "b": 7, "c": 7}
    assert shares(20, car("a"), idle("b"), idle("c"), least=7) == {"a": 13, "b": 7, "c": 0}


def test_the_higher_priority_is_filled_first_and_the_lower_keeps_its_minimum() -> None:
    claims = car("a", priority=1), car("b", priority=5), car("c", priority=5, wants=8)
    assert shares(40, *claims, least=3, by_priority=True) == {"a": 10, "b": 22, "c": 8}
    assert shares(6, *claims, least=3, by_priority=True) == {"a": 0, "b": 3, "c": 3}
    assert shares(40, *claims, least=3) == {"a": 16, "b": 16, "c": 8}


def test_nothing_left_is_nothing_for_anybody() -> None:
    assert shares(-5, car("a"), idle("b"), least=1) == {"a": 0, "b": 0}


@given(
    st.floats(-10, 500),
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.booleans(), st.integers(0, 3)), max_size=12),
    st.floats(0, 30),
    st.booleans(),
)
def test_never_more_than_there_is(
    budget: float, cars: list[tuple[float, float, bool, int]], least: float, ranked: bool
) -> None:
    claims = [
        Claim(str(number), rated, min(rated, wants), float(number) if active else None, priority)
        for number, (rated, wants, active, priority) in enumerate(cars)
    ]
    found = share(budget, claims, least, by_priority=ranked)
    assert sum(found.values()) <= max(0.0, budget) + 1e-6
    assert all(0 <= found[claim.charger] <= claim.rated_w + 1e-6 for claim in claims)
