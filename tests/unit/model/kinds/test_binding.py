"""BackendBinding by itself: one role for a back-end, and a failover that leads somewhere."""

from typing import Any

import pytest

from tests.support.sites import said, spec_findings

BINDING = {"chargers": {"names": ["*"]}, "backends": [{"backend": "partner", "role": "primary"}]}


@pytest.mark.parametrize(
    ("change", "summary", "hint"),
    [
        ({"backends": []}, "spec.backends: must not be empty", "give it at least one item"),
        (
            {"backends": [{"backend": "a", "role": "primary"}, {"backend": "a", "role": "passive"}]},
            "spec: backend a is bound twice",
            "one back-end has one role on a charger",
        ),
        (
            {"whenOwnerIsDown": "failover"},
            "spec: whenOwnerIsDown is failover, but to whom?",
            "add failover: {to: BACKEND}",
        ),
        (
            {"failover": {"to": "other"}},
            "spec: failover.to names other, which is not in backends",
            "use one of partner, local",
        ),
        (
            {"whenOwnerIsDown": "fail"},
            'spec.whenOwnerIsDown: must be close, buffer or failover, not the text "fail"',
            "did you mean failover?",
        ),
        ({"priority": 1.5}, "spec.priority: must be a whole number, not the number 1.5", "write a number such as 5"),
        (
            {"flip": {"openTransactions": "wait"}},
            "spec.flip: unknown field openTransactions",
            "did you mean openTransaction?",
        ),
        (
            {"backends": [{"backend": "a"}]},
            "spec.backends.0: needs role",
            "add role",
        ),
    ],
)
def test_a_wrong_binding_is_refused(change: dict[str, Any], summary: str, hint: str) -> None:
    assert said(spec_findings("BackendBinding", {**BINDING, **change})) == [(summary, hint)]


def test_failover_may_lead_to_local_without_listing_it() -> None:
    failing_over = {**BINDING, "whenOwnerIsDown": "failover", "failover": {"to": "local"}}
    assert spec_findings("BackendBinding", failing_over) == []
