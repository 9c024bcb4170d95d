"""NotificationRule and LoadPolicy by themselves."""

from typing import Any

import pytest

from reconciler.model.kinds.local_rules import LoadPolicySpec
from tests.support.sites import said, spec_findings

EVERYWHERE = {"names": ["*"]}


def test_a_limit_is_dumped_as_it_was_written() -> None:
    for limit in (300, 7.5):
        spec = LoadPolicySpec.model_validate({"chargers": EVERYWHERE, "limitKw": limit})
        dumped = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)["limitKw"]
        assert (dumped, type(dumped)) == (limit, type(limit))


@pytest.mark.parametrize(
    ("limit", "summary"),
    [
        (0, "spec.limitKw: must be greater than 0"),
        (-5, "spec.limitKw: must be greater than 0"),
        (1e9, "spec.limitKw: must be 1000000 or less"),
        (float("inf"), "spec.limitKw: must be a finite number"),
        ("300", 'spec.limitKw: must be a number, not the text "300"'),
        (True, "spec.limitKw: must be a number, not the boolean true"),
    ],
)
def test_a_limit_is_a_positive_number(limit: Any, summary: str) -> None:
    assert said(spec_findings("LoadPolicy", {"chargers": EVERYWHERE, "limitKw": limit}))[0][0] == summary


def test_a_rule_names_events_and_somebody_to_tell() -> None:
    spec = {"chargers": EVERYWHERE, "on": ["charger-of-line"], "to": []}
    assert said(spec_findings("NotificationRule", spec)) == [
        (
            "spec.on.0: must be charger-offline, connector-faulted, backend-down, load-exceeded, flip, "
            'security-event, firmware-failed or certificate-expires, not the text "charger-of-line"',
            "did you mean charger-offline?",
        ),
        ("spec.to: must not be empty", "give it at least one item"),
    ]
