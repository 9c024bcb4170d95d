"""Selectors: labels or names; what cannot name a charger is refused at once."""

from typing import Any

import pytest

from tests.support.sites import said, spec_findings


def findings(selector: object) -> list[tuple[str, str]]:
    return said(spec_findings("LoadPolicy", {"chargers": selector, "limitKw": 1}))


@pytest.mark.parametrize(
    "selector", [{"labels": {"site": "a"}}, {"names": ["cp001", "ice480-*"]}, {"names": ["cp[0-9]?"]}]
)
def test_labels_or_globs_select(selector: dict[str, Any]) -> None:
    assert findings(selector) == []


@pytest.mark.parametrize(
    ("selector", "summary"),
    [
        ({"labels": {}}, "spec.chargers.labels: must not be empty"),
        ({"names": []}, "spec.chargers.names: must not be empty"),
        ({"names": ["CP001"]}, "spec.chargers.names.0: 'CP001' names no charger"),
        ({"names": [""]}, "spec.chargers.names.0: '' names no charger"),
        ({"names": "*"}, 'spec.chargers.names: must be a list, not the text "*"'),
        ("*", 'spec.chargers: must be a mapping, not the text "*"'),
        ({"label": {"a": "b"}}, "spec.chargers: unknown field label"),
    ],
)
def test_what_selects_nothing_is_refused(selector: object, summary: str) -> None:
    assert findings(selector)[0][0] == summary
