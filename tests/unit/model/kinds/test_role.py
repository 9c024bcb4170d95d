"""Role: features by name, in no particular order; built-in names stay built in."""

from typing import get_args

import pytest

from reconciler.model.features import EVERY_FEATURE, FEATURES
from reconciler.model.kinds.role import BUILT_IN_ROLES, Feature, RoleSpec
from tests.support.sites import said, spec_findings


def test_the_vocabulary_is_that_of_the_whole_product() -> None:
    assert get_args(Feature) == (EVERY_FEATURE, *FEATURES)


def test_the_order_of_features_means_nothing() -> None:
    first = RoleSpec.model_validate({"owns": ["metering", "smart-charging"]})
    assert first == RoleSpec.model_validate({"owns": ["smart-charging", "metering"]})


def test_an_unknown_feature_is_refused_with_the_nearest() -> None:
    [(summary, hint)] = said(spec_findings("Role", {"owns": ["smart-chargin"]}))
    assert summary.startswith("spec.owns.0: must be ")
    assert hint == "did you mean smart-charging?"


@pytest.mark.parametrize("name", BUILT_IN_ROLES)
def test_a_built_in_role_cannot_be_declared(name: str) -> None:
    assert said(spec_findings("Role", {}, name=name)) == [
        (f"role {name} is built in", "choose another name for this role")
    ]
