"""Charger and SplitSystem: identities that a URL and Basic authentication can carry, values that stay text."""

import pytest

from tests.support.sites import said, spec_findings

CHARGER = {"versions": ["ocpp1.6"], "securityProfile": "open"}


@pytest.mark.parametrize("identity", ["CP-001", "RDAM 123", "RDAM|123", "köln.1", "a" * 255, "GaroCS-4133@x"])
def test_what_can_be_percent_encoded_is_an_identity(identity: str) -> None:
    assert spec_findings("Charger", {**CHARGER, "identity": identity}) == []


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        ("CP:001", "Basic authentication cannot carry"),
        ("depot/CP001", "cannot be the last segment of a URL"),
        ("a\\b", "cannot be the last segment of a URL"),
        ("..", "cannot be the last segment of a URL"),
        ("CP\n001", "a URL or Basic authentication cannot carry"),
        (" CP001", "a URL or Basic authentication cannot carry"),
        ("", "must not be empty"),
    ],
)
def test_what_a_url_or_basic_authentication_cannot_carry_is_refused(identity: str, why: str) -> None:
    [finding] = spec_findings("Charger", {**CHARGER, "identity": identity})
    assert finding.summary.startswith("spec.identity: ")
    assert why in finding.summary
    assert finding.address == "charger.x"
    assert finding.hint


def test_a_serial_number_that_yaml_reads_as_a_number_must_be_quoted() -> None:
    assert said(spec_findings("Charger", {**CHARGER, "serialNumber": 1234})) == [
        ("spec.serialNumber: must be text, not the number 1234", 'write it in quotes: "1234"')
    ]


def test_what_is_needed_is_named_with_its_meaning() -> None:
    assert said(spec_findings("Charger", {})) == [
        ("spec: needs versions", "versions: What it speaks."),
        ("spec: needs securityProfile", "securityProfile: The SecurityProfile of the leg towards it."),
    ]


def test_a_split_system_has_dispensers() -> None:
    assert said(spec_findings("SplitSystem", {**CHARGER, "dispensers": []})) == [
        ("spec.dispensers: must not be empty", "give it at least one item")
    ]
    assert said(spec_findings("SplitSystem", {**CHARGER, "dispensers": [{}] * 65})) == [
        ("spec.dispensers: has more than 64 items", "split it up")
    ]


def test_the_names_of_its_chargers_must_fit_too() -> None:
    [(summary, hint)] = said(spec_findings("SplitSystem", {**CHARGER, "dispensers": [{}]}, name="a" * 62))
    assert summary == "metadata.name: too long for its chargers' names"
    assert "<name>-dN" in hint
