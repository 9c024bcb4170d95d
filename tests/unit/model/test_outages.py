"""Outages as values: what they are called, and when one opening holds."""

from datetime import timedelta

from msgspec.structs import replace

from reconciler.model.outages import Occurrence
from tests.support.clock import EPOCH
from tests.support.outages import once


def test_an_outage_is_called_by_its_address_and_one_begun_by_hand_by_its_name() -> None:
    assert once("x").address == "scheduled-outage.x"
    assert once("x", actor="ann").address == "outage x"


def test_an_occurrence_is_half_open_and_one_without_length_is_cancelled() -> None:
    held = Occurrence(once(), EPOCH, EPOCH + timedelta(hours=1))
    assert [held.holds_at(EPOCH + timedelta(hours=hours)) for hours in (-0.1, 0, 0.9, 1)] == [False, True, True, False]
    assert not held.cancelled
    assert replace(held, until=EPOCH).cancelled
