"""SecurityProfile: numbers are numbers, and the fields fit together."""

from typing import Any

import pytest

from tests.support.sites import said, spec_findings


@pytest.mark.parametrize(
    ("spec", "summary", "hint"),
    [
        ({"profile": "2"}, 'spec.profile: must be a whole number, not the text "2"', "write 2 without quotes"),
        ({"profile": True}, "spec.profile: must be a whole number, not the boolean true", "write a number such as 2"),
        ({"profile": 4}, "spec.profile: must be 0, 1, 2 or 3, not the number 4", "use 0, 1, 2 or 3"),
        (
            {"profile": 0, "minTlsVersion": 1.2},
            "spec.minTlsVersion: must be text, not the number 1.2",
            'write it in quotes: "1.2"',
        ),
        (
            {"profile": 0, "minTlsVersion": "1.1"},
            'spec.minTlsVersion: must be 1.2 or 1.3, not the text "1.1"',
            "did you mean 1.3?",
        ),
        (
            {"profile": 3, "privateKey": {"fromFile": "k"}},
            "spec: privateKey without certificate",
            "add the certificate that the key belongs to",
        ),
        (
            {"profile": 1, "passwordPrevious": {"fromFile": "k"}},
            "spec: passwordPrevious without password",
            "add the password that follows it",
        ),
        (
            {"profile": 2, "allowDowngradeFrom": 2},
            "spec: allowDowngradeFrom 2 is no downgrade to profile 2",
            "it names the higher profile that the station comes from",
        ),
        ({}, "spec: needs profile", "profile: OCPP security profile: 0 none, 1 basic, 2 TLS and basic, 3 mutual TLS."),
    ],
)
def test_a_wrong_profile_is_refused(spec: dict[str, Any], summary: str, hint: str) -> None:
    assert said(spec_findings("SecurityProfile", spec)) == [(summary, hint)]


def test_all_four_profiles_are_profiles() -> None:
    assert [spec_findings("SecurityProfile", {"profile": number}) for number in range(4)] == [[], [], [], []]
