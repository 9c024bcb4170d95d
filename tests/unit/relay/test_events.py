"""Events: plain facts in the past tense."""

import dataclasses
from typing import get_args

import pytest

from reconciler.relay import events


@pytest.mark.parametrize("event", get_args(events.Event), ids=lambda event: event.__name__)
def test_an_event_is_a_frozen_fact_in_the_past_tense(event: type) -> None:
    assert dataclasses.is_dataclass(event)
    assert event.__name__.endswith(("ed", "Failed"))
    made = event(*[None for _ in dataclasses.fields(event)])
    assert made == event(*[None for _ in dataclasses.fields(event)])
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        made.other = 1
