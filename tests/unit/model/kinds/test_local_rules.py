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
            "security-event, firmware-failed, certificate-expires, relay-security-event or relay-certificate-expires, "
            'not the text "charger-of-line"',
            "did you mean charger-offline?",
        ),
        ("spec.to: must not be empty", "give it at least one item"),
    ]


def test_a_rule_has_chargers_where_one_of_its_events_is_about_chargers_and_only_there() -> None:
    to = [{"email": "ops@depot.example"}]
    for spec in (
        {"on": ["relay-security-event", "relay-certificate-expires"], "to": to},
        {"on": ["relay-security-event", "flip"], "to": to, "chargers": EVERYWHERE},
    ):
        assert spec_findings("NotificationRule", spec) == []
    assert said(spec_findings("NotificationRule", {"on": ["relay-security-event", "flip"], "to": to})) == [
        ("spec: needs chargers: on which ones is flip told?", 'chargers: {names: ["*"]} means all of them')
    ]
    spec = {"on": ["relay-security-event"], "to": to, "chargers": EVERYWHERE}
    assert said(spec_findings("NotificationRule", spec)) == [
        (
            "spec: has chargers, and relay-security-event is about none",
            "leave chargers out, or tell about an event of chargers, too",
        )
    ]
