"""Backend: dialled with url, versions and profile, or the local one with its answers only."""

from typing import Any

import pytest

from tests.support.sites import said, spec_findings

DIALLED = {"url": "wss://example.com/ocpp", "versions": ["ocpp1.6"], "securityProfile": "open"}


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9000", "wss://example.com/ocpp/", "wss://[::1]:8443/x?y=z"])
def test_websocket_urls_are_dialled(url: str) -> None:
    assert spec_findings("Backend", {**DIALLED, "url": url}) == []


@pytest.mark.parametrize(
    ("spec", "summary", "hint"),
    [
        (
            {**DIALLED, "url": "https://example.com"},
            "spec.url: the url must begin with ws:// or wss://",
            "for example wss://host.example/path",
        ),
        (
            {"url": "wss://example.com"},
            "spec: needs versions, securityProfile",
            "every back-end but local is dialled",
        ),
        (
            {**DIALLED, "versions": ["1.6"]},
            'spec.versions.0: must be ocpp2.1, ocpp2.0.1 or ocpp1.6, not the text "1.6"',
            "did you mean ocpp1.6?",
        ),
        ({**DIALLED, "versions": []}, "spec.versions: must not be empty", "give it at least one item"),
        (
            {**DIALLED, "versions": "ocpp1.6"},
            'spec.versions: must be a list, not the text "ocpp1.6"',
            "write each item on a line that begins with '- ', or all in [brackets]",
        ),
        (
            {**DIALLED, "halfDuplex": "yes"},
            'spec.halfDuplex: must be true or false, not the text "yes"',
            "only true and false are booleans; yes, no, on and off are text",
        ),
        (
            {**DIALLED, "health": 5},
            "spec.health: must be a mapping, not the number 5",
            "write its fields on lines of their own below it, or all in {braces}",
        ),
        (
            {**DIALLED, "health": {"downafter": "5s"}},
            "spec.health: unknown field downafter",
            "did you mean downAfter?",
        ),
        (
            {**DIALLED, "callTimeout": "0s"},
            "spec.callTimeout: '0s' must be longer than nothing",
            "a duration is a whole number and a unit: 30s, 5m, 2h or 72h",
        ),
        (
            {**DIALLED, "local": {}},
            "spec: has local besides other fields",
            "local is never dialled: leave only local",
        ),
        ({"local": {}}, "spec.local: only the Backend named local has it", "remove it, or rename to local"),
    ],
)
def test_a_wrong_backend_is_refused(spec: dict[str, Any], summary: str, hint: str) -> None:
    assert said(spec_findings("Backend", spec)) == [(summary, hint)]


def test_local_says_only_how_it_answers() -> None:
    assert spec_findings("Backend", {"local": {"authorize": "reject", "heartbeatInterval": "10m"}}, name="local") == []
    assert said(spec_findings("Backend", DIALLED, name="local")) == [
        ("spec: backend local is the relay itself, it is never dialled", "leave only local: {...}")
    ]
