"""The garbage collector's regime: the young are collected by themselves, old cycles once there are many objects."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from reconciler.cli import collector


class Node:
    """Something that can be its own garbage."""

    itself: "Node"


@pytest.fixture
def regime() -> Iterator[None]:
    """The regime of a server, in this process, for one test."""
    thresholds = gc.get_threshold()
    collector.hold()
    collector.settle()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def cycle() -> "weakref.ref[Node]":
    """Return a reference to something that only the collector can free."""
    node = Node()
    node.itself = node
    return weakref.ref(node)


@pytest.mark.usefixtures("regime")
def test_young_garbage_is_collected_by_itself() -> None:
    seen = cycle()
    kept: list[list[int]] = [[] for _ in range(3 * collector.YOUNG)]
    assert seen() is None
    assert kept


@pytest.mark.usefixtures("regime")
def test_not_even_a_million_objects_make_it_walk_all() -> None:
    before = gc.get_stats()[2]["collections"]
    kept: list[list[int]] = [[] for _ in range(1_000_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert kept


@pytest.mark.usefixtures("regime")
def test_old_garbage_is_found_when_everything_is_collected() -> None:
    seen = cycle()
    gc.freeze()
    gc.collect()
    assert seen() is not None
    left = collector.collect_all(gc.get_freeze_count())
    assert seen() is None
    assert left > 0


@pytest.mark.parametrize(
    ("objects", "left", "due"),
    [
        (collector.OBJECTS_MIN, 0, False),
        (collector.OBJECTS_MIN + 1, 0, True),
        (collector.OBJECTS_MIN + 1, 2_000_000, False),
        (4_000_001, 2_000_000, True),
        (7_000_000, 4_000_000, False),
        (8_000_001, 4_000_000, True),
    ],
)
def test_everything_is_collected_where_there_are_many_and_twice_as_many_as_were_left(
    objects: int, left: int, due: bool
) -> None:
    assert collector.is_due(objects, left) is due
