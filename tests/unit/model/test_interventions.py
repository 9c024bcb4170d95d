"""Interventions: equal where nothing was done in between, so that nobody works for nothing."""

from reconciler.model.interventions import Interventions
from tests.support.outages import once


def test_interventions_read_twice_are_equal() -> None:
    assert Interventions(begun=(once(),)) == Interventions(begun=(once(),))
    assert Interventions(begun=(once(),)) != Interventions()
