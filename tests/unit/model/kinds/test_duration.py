"""Fields that are durations: text in documents, seconds in models, text again where they are written."""

import pytest
from pydantic import ValidationError

from reconciler.model.kinds.base import SpecModel
from reconciler.model.kinds.duration import Duration, PositiveDuration


class Waiting(SpecModel):
    """A spec with both."""

    at_most: Duration = 0
    at_least: PositiveDuration = 60


def test_they_are_seconds_inside_and_text_outside() -> None:
    waiting = Waiting.model_validate({"atMost": "90s", "atLeast": "2h"})

    assert (waiting.at_most, waiting.at_least) == (90, 7200)
    assert waiting.model_dump(mode="json", by_alias=True) == {"atMost": "90s", "atLeast": "2h"}


def test_nothing_is_a_duration_and_no_positive_one() -> None:
    assert Waiting.model_validate({"atMost": "0s"}).at_most == 0
    with pytest.raises(ValidationError, match="longer than nothing"):
        Waiting.model_validate({"atLeast": "0s"})
