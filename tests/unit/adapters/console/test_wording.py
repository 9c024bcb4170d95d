"""How the console says things."""

import pytest

from reconciler.adapters.console import wording
from reconciler.model.features import FEATURES

ALL = dict.fromkeys(FEATURES, "partner")


def test_every_feature_is_in_one_group() -> None:
    grouped = [feature for features in wording.FEATURE_GROUPS.values() for feature in features]
    assert sorted(grouped) == sorted(FEATURES)


def test_owners_are_told_from_who_owns_most() -> None:
    assert wording.by_owner(ALL) == [("partner", "everything")]
    split = {**ALL, "smart-charging": "grid", "metering": "grid"}
    assert wording.by_owner(split) == [("partner", "everything else"), ("grid", "metering and smart charging")]
    assert wording.main_owner(split) == "partner"
    assert wording.main_owner({}) == ""


def test_a_group_with_one_owner_needs_no_list() -> None:
    groups = dict(wording.by_group({**ALL, "smart-charging": "grid"}))
    assert groups["Service"] == [("partner", "")]
    assert ("grid", "smart charging") in groups["Energy"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (-5, "0 s"), (40, "40 s"), (3600, "1 h"), (7500, "2 h 5 min"), (3605, "1 h"), (273600, "3 d 4 h")],
)
def test_durations_have_two_units_at_most(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


def test_features_are_short_where_it_is_all_or_all_but_a_few() -> None:
    assert wording.features_word(FEATURES) == "everything"
    assert wording.features_word(FEATURES[1:]) == "everything but provisioning"
    assert wording.features_word(["smart-charging"]) == "smart charging"
    assert wording.event_word("flip") == "Owner changed"
    assert wording.event_word("some-new-kind") == "Some new kind"
