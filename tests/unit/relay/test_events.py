"""Events: plain facts in the past tense."""

from typing import get_args

import msgspec
import pytest

from reconciler.relay import events


@pytest.mark.parametrize("event", get_args(events.Event), ids=lambda event: event.__name__)
def test_an_event_is_a_frozen_fact_in_the_past_tense(event: type[msgspec.Struct]) -> None:
    assert event.__name__.endswith(("ed", "Failed"))
    made = event(*[None for _ in event.__struct_fields__])
    assert made == event(*[None for _ in event.__struct_fields__])
    with pytest.raises(AttributeError):
        made.other = 1
