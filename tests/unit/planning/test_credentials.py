"""Credentials: what a leg needs is there, and no password crosses a network in the clear."""

import pytest

from reconciler.model.diagnostics import Position, Severity
from tests.support.sites import SMALL, checked, place_of, valid_site

SECRET = "{fromEnv: FWDCTL_SECRET_X}"


def site(profile: str, url: str = "wss://partner.example/ocpp", *, of: str = "backend") -> str:
    """SMALL with another security profile for its back-end `partner`, or for its charger."""
    text = SMALL.replace("wss://partner.example/ocpp", f'"{url}"')
    partner, charger = f'url: "{url}", versions: [ocpp2.0.1, ocpp1.6], ', "spec: {versions: [ocpp1.6], "
    before = partner if of == "backend" else charger
    text = text.replace(f"{before}securityProfile: open", f"{before}securityProfile: other")
    return text + f"\n---\napiVersion: fwdctl/v1\nkind: SecurityProfile\nmetadata: {{name: other}}\nspec: {profile}\n"


RULES = [
    (
        site("{profile: 2}"),
        "security-profile.other",
        "profile: 2",
        "spec: profile 2 needs password for backend.partner",
        "add password: {fromEnv: ...} or {fromFile: ...}",
    ),
    (
        site("{profile: 1}", of="charger"),
        "security-profile.other",
        "profile: 1",
        "spec: profile 1 needs password for charger.cp1",
        "add password: {fromEnv: ...} or {fromFile: ...}",
    ),
    (
        site("{profile: 3}"),
        "security-profile.other",
        "profile: 3",
        "spec: profile 3 needs certificate for backend.partner",
        "add certificate: {fromEnv: ...} or {fromFile: ...}",
    ),
    (
        site("{profile: 3}", of="charger"),
        "security-profile.other",
        "profile: 3",
        "spec: profile 3 needs trustedCa for charger.cp1",
        "add trustedCa: {fromEnv: ...} or {fromFile: ...}",
    ),
    (
        site(f"{{profile: 2, password: {SECRET}}}", "ws://partner.example/ocpp"),
        "backend.partner",
        'url: "ws://',
        "spec.url: security profile 2 needs TLS, and this is ws://",
        "use wss://, or a profile without TLS",
    ),
]


@pytest.mark.parametrize(("text", "address", "at", "summary", "hint"), RULES, ids=[rule[3] for rule in RULES])
def test_what_a_leg_needs_must_be_there(text: str, address: str, at: str, summary: str, hint: str) -> None:
    _, [finding] = checked(text)
    assert finding.severity is Severity.ERROR
    assert (finding.address, finding.summary, finding.hint) == (address, summary, hint)
    assert finding.position == Position("-", *place_of(text, at))


@pytest.mark.parametrize("host", ["partner.example", "10.0.0.1", "[2001:db8::1]:9000"])
def test_a_password_over_plain_ws_is_a_warning(host: str) -> None:
    text = site(f"{{profile: 1, password: {SECRET}}}", f"ws://{host}/ocpp")
    _, [finding] = checked(text)
    assert finding.severity is Severity.WARNING
    assert finding.summary == "spec.url: the password of other is sent unencrypted over ws://"
    assert finding.address == "backend.partner"
    assert finding.position == Position("-", *place_of(text, 'url: "ws://'))
    assert finding.hint == "use wss:// and security profile 2"


@pytest.mark.parametrize("url", ["ws://localhost:9000", "ws://127.0.0.1/a", "ws://[::1]:9000", "wss://partner.example"])
def test_a_password_to_this_machine_or_over_tls_is_none(url: str) -> None:
    assert valid_site(site(f"{{profile: 1, password: {SECRET}}}", url))


def test_a_password_that_is_passed_through_need_not_be_known() -> None:
    text = site("{profile: 1}", of="charger").replace("role: primary", "role: primary, credentials: passthrough")
    assert valid_site(text).chargers["cp1"].legs[0].credentials == "passthrough"
    upstream = site("{profile: 2}").replace("role: primary", "role: primary, credentials: passthrough")
    assert valid_site(upstream)


def test_a_password_that_is_passed_through_over_plain_ws_is_a_warning() -> None:
    text = site("{profile: 0}", "ws://partner.example/ocpp")
    _, findings = checked(text.replace("role: primary", "role: primary, credentials: passthrough"))
    assert [finding.severity for finding in findings] == [Severity.WARNING]


def test_mutual_tls_needs_no_password() -> None:
    assert valid_site(site("{profile: 3, certificate: {fromFile: c.pem}}"))
