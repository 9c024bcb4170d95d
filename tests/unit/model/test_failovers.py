"""Failovers as values."""

from reconciler.model.failovers import Failover
from tests.support.clock import EPOCH


def test_a_failover_read_twice_is_equal() -> None:
    assert Failover("cp1", "partner", "local", EPOCH, "auto") == Failover("cp1", "partner", "local", EPOCH, "auto")
