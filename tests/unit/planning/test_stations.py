"""Stations: split systems expand, and names, identities and serial numbers are unique over all of them."""

import pytest

from reconciler.model.diagnostics import Position
from tests.support.sites import EVERY_KIND, SMALL, checked, place_of, valid_site

SECOND = """
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {name: cp2, labels: {site: a}}
spec: {versions: [ocpp1.6], securityProfile: open, identity: ONE, serialNumber: S1}
---
apiVersion: fwdctl/v1
kind: SplitSystem
metadata: {name: cab, labels: {site: a}}
spec:
  versions: [ocpp1.6]
  securityProfile: open
  dispensers:
    - {identity: two, serialNumber: S2}
    - {identity: three, serialNumber: S3}
"""
SITE = SMALL + SECOND

RULES = [
    (
        "identity: three",
        "identity: oNe",
        "identity: oNe",
        "split-system.cab",
        "identity oNe of charger cab-d2 is that of charger cp2 too",
        "every charger has its own identity; the first is at -:33:52",
    ),
    (
        "identity: three",
        "identity: TWO",
        "identity: TWO",
        "split-system.cab",
        "identity TWO of charger cab-d2 is that of charger cab-d1 too",
        "every charger has its own identity; the first is at -:42:8",
    ),
    (
        "identity: ONE",
        "identity: CP1",
        "identity: CP1",
        "charger.cp2",
        "identity CP1 of charger cp2 is that of charger cp1 too",
        "every charger has its own identity; the first is at -:19:1",
    ),
    (
        "serialNumber: S3",
        "serialNumber: S1",
        "serialNumber: S1}\n",
        "split-system.cab",
        "serialNumber S1 of charger cab-d2 is that of charger cp2 too",
        "every charger has its own serialNumber",
    ),
    (
        "name: cp2",
        "name: cab-d1",
        "{identity: two",
        "split-system.cab",
        "split-system.cab declares charger cab-d1, as charger.cab-d1 does",
        "rename one of the two",
    ),
    (
        "identity: ONE",
        "quirks: {assumeVersion: ocpp2.1}",
        "assumeVersion",
        "charger.cp2",
        "spec.quirks.assumeVersion: ocpp2.1 is not among the charger's versions",
        "use one of: ocpp1.6",
    ),
]


@pytest.mark.parametrize(("good", "bad", "at", "address", "summary", "hint"), RULES, ids=[rule[4] for rule in RULES])
def test_what_must_be_unique_is(good: str, bad: str, at: str, address: str, summary: str, hint: str) -> None:
    assert good in SITE
    text = SITE.replace(good, bad)
    _, [finding] = checked(text)
    assert (finding.address, finding.summary) == (address, summary)
    assert finding.hint.startswith(hint)
    start = text.rindex(at)
    line, column = place_of(text[start:], at)
    assert finding.position == Position(
        "-", text.count("\n", 0, start) + line, start - text.rfind("\n", 0, start) + column - 1
    )


def test_a_split_system_expands_into_chargers() -> None:
    site = valid_site(EVERY_KIND)
    assert list(site.chargers) == ["cp001", "ice480-01-d1", "ice480-01-d2"]
    second = site.chargers["ice480-01-d2"]
    assert (second.identity, second.serial_number, second.labels) == ("ICE480-01-2", "S480-2", {"site": "depot-a"})
    assert site.declared_by["ice480-01-d2"] == "split-system.ice480-01"


def test_the_identity_is_the_name_where_none_is_given() -> None:
    text = SITE.replace("identity: three, ", "")
    chargers = valid_site(text).chargers
    assert (chargers["cp1"].identity, chargers["cab-d2"].identity) == ("cp1", "cab-d2")
