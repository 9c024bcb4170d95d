"""Contacts: a mail address or a webhook, and no credentials in URLs."""

from typing import Any

import pytest

from tests.support.sites import said, spec_findings


def findings(contact: dict[str, Any]) -> list[tuple[str, str]]:
    spec = {"chargers": {"names": ["*"]}, "on": ["flip"], "to": [contact]}
    return said(spec_findings("NotificationRule", spec))


@pytest.mark.parametrize("contact", [{"email": "noc@example.com"}, {"webhook": {"url": "https://example.com:8443/x"}}])
def test_a_contact_is_one_of_the_two(contact: dict[str, Any]) -> None:
    assert findings(contact) == []


@pytest.mark.parametrize(
    ("contact", "summary"),
    [
        ({}, "spec.to.0: needs email or webhook"),
        ({"email": "a@b", "webhook": {"url": "http://h"}}, "spec.to.0: has both email and webhook"),
        ({"email": "nobody"}, "spec.to.0.email: 'nobody' is not a mail address"),
        ({"webhook": {"url": "ftp://h"}}, "spec.to.0.webhook.url: the url must begin with http:// or https://"),
        ({"webhook": {"url": "https://"}}, "spec.to.0.webhook.url: the url must begin with http:// or https://"),
        ({"webhook": {"url": "https://h:99999"}}, "spec.to.0.webhook.url: the url is not a URL"),
        ({"webhook": {"url": "https://h/a b"}}, "spec.to.0.webhook.url: the url must begin with http:// or https://"),
        ({"webhook": {"url": "https://h/#x"}}, "spec.to.0.webhook.url: the url must not have a #fragment"),
    ],
)
def test_what_is_no_contact_is_refused(contact: dict[str, Any], summary: str) -> None:
    [(said_summary, hint)] = findings(contact)
    assert said_summary == summary
    assert hint


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    [(summary, hint)] = findings({"webhook": {"url": "https://user:hunter2@example.com"}})
    assert summary == "spec.to.0.webhook.url: credentials are never written in a url"
    assert "hunter2" not in summary + hint
