"""Selection: labels and globs, the highest priority wins, and nothing is selected by mistake."""

import pytest

from reconciler.model.diagnostics import Position, Severity
from reconciler.model.kinds import Selector
from reconciler.planning.declared import Declared
from reconciler.planning.selection import Selection
from reconciler.planning.stations import stations_of
from tests.support.sites import EVERY_KIND, SMALL, checked, place_of, resources, valid_site


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({"labels": {"site": "depot-a"}}, ["cp001", "ice480-01-d1", "ice480-01-d2"]),
        ({"labels": {"site": "depot-a", "vendor": "acme"}}, ["cp001"]),
        ({"labels": {"site": "depot-b"}}, []),
        ({"names": ["cp001"]}, ["cp001"]),
        ({"names": ["cp00"]}, []),
        ({"names": ["ice480-*", "cp001", "cp*"]}, ["cp001", "ice480-01-d1", "ice480-01-d2"]),
        ({"names": ["*-d[1]", "c?001"]}, ["cp001", "ice480-01-d1"]),
        ({"names": ["*"]}, ["cp001", "ice480-01-d1", "ice480-01-d2"]),
    ],
)
def test_a_selector_means_these_chargers(selector: dict[str, object], names: list[str]) -> None:
    selection = Selection(stations_of(Declared(resources(EVERY_KIND)))[0])
    assert selection.select(Selector.model_validate(selector)) == names


BINDING = """
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {name: b}
spec:
  chargers: {names: [cp1]}
  priority: 1
  backends: [{backend: grid, role: primary}]
"""


def test_the_higher_priority_wins() -> None:
    site = valid_site(SMALL + BINDING)
    assert site.bound_by == {"cp1": "backend-binding.b"}
    assert site.chargers["cp1"].owners["metering"] == "grid"


def test_equal_priorities_are_an_error() -> None:
    text = SMALL + BINDING.replace("priority: 1", "priority: 0")
    _, [finding] = checked(text)
    assert finding.severity is Severity.ERROR
    assert finding.summary == "backend-binding.b and backend-binding.a both select cp1 with priority 0"
    assert finding.address == "backend-binding.b"
    assert finding.position == Position("-", *place_of(text, "priority"))
    assert finding.hint == "give one of the two a higher priority, or select different chargers"


def test_a_tie_below_the_highest_priority_is_none() -> None:
    third = BINDING.replace("name: b", "name: c").replace("priority: 1", "priority: 0")
    assert valid_site(SMALL + BINDING + third).bound_by == {"cp1": "backend-binding.b"}


def test_a_charger_that_no_binding_selects_is_an_error() -> None:
    text = SMALL.replace("name: cp1, labels: {site: a}", "name: cp1, labels: {site: b}")
    _, findings = checked(text)
    unbound = next(finding for finding in findings if finding.severity is Severity.ERROR)
    assert unbound.summary == "no BackendBinding selects cp1"
    assert unbound.address == "charger.cp1"
    assert unbound.position == Position("-", *place_of(text, "name: cp1"))
    assert unbound.hint == "add it to spec.chargers of one, by name or by a label that the charger has"


def test_one_unbound_dispenser_is_told_at_its_place() -> None:
    text = EVERY_KIND.replace(
        "chargers: {labels: {site: depot-a}}\n  priority", "chargers: {names: [cp001, '*-d1']}\n  priority"
    )
    _, findings = checked(text)
    assert [(finding.summary, finding.position) for finding in findings] == [
        ("no BackendBinding selects ice480-01-d2", Position("-", *place_of(text, "{identity: ICE480-01-2")))
    ]


def test_a_broken_binding_makes_no_charger_unbound() -> None:
    _, findings = checked(SMALL.replace("role: primary", "rol: primary"))
    assert {finding.address for finding in findings} == {"backend-binding.a"}


SELECTORS = [
    (
        "{labels: {site: b}}",
        "labels",
        Severity.WARNING,
        "spec.chargers.labels: no charger has site=b",
        "label site is one of: a",
    ),
    (
        "{labels: {sit: a}}",
        "labels",
        Severity.WARNING,
        "spec.chargers.labels: no charger has sit=a",
        "did you mean site?",
    ),
    (
        '{names: ["ice*"]}',
        '"ice*"',
        Severity.WARNING,
        "spec.chargers.names.0: ice* matches no charger",
        "check the glob, or declare the chargers",
    ),
    (
        "{names: [cp2]}",
        "cp2",
        Severity.ERROR,
        "spec.chargers.names.0: there is no charger cp2",
        "did you mean cp1?",
    ),
    (
        "{names: [cab]}",
        "cab]",
        Severity.ERROR,
        "spec.chargers.names.0: cab is a split system; its chargers have names of their own",
        'use "cab-d*" for all of them',
    ),
]
SPLIT = """
---
apiVersion: fwdctl/v1
kind: SplitSystem
metadata: {name: cab, labels: {site: a}}
spec: {versions: [ocpp1.6], securityProfile: open, dispensers: [{}]}
---
apiVersion: fwdctl/v1
kind: LoadPolicy
metadata: {name: cap}
spec: {limitKw: 5, chargers: SELECTOR}
"""


@pytest.mark.parametrize(
    ("selector", "at", "severity", "summary", "hint"), SELECTORS, ids=[rule[0] for rule in SELECTORS]
)
def test_a_selector_that_means_nothing_is_told(
    selector: str, at: str, severity: Severity, summary: str, hint: str
) -> None:
    text = SMALL + SPLIT.replace("SELECTOR", selector)
    _, [finding] = checked(text)
    assert (finding.severity, finding.address, finding.summary, finding.hint) == (
        severity,
        "load-policy.cap",
        summary,
        hint,
    )
    policy = text.index("kind: LoadPolicy")
    line, column = place_of(text[policy:], at)
    assert finding.position == Position("-", text.count("\n", 0, policy) + line, column)


@pytest.mark.parametrize("names", ["cab-d1", "cab-d*", "cp1"])
def test_a_charger_that_could_not_be_read_is_not_called_missing(names: str) -> None:
    text = SMALL + SPLIT.replace("SELECTOR", f'{{names: ["{names}"]}}')
    broken = text.replace("dispensers: [{}]", "dispensers: []").replace(
        "[ocpp1.6], securityProfile: open}\n---\napi", "[ocpp1.7], securityProfile: open}\n---\napi"
    )
    _, findings = checked(broken)
    assert not [finding for finding in findings if finding.address == "load-policy.cap"]
