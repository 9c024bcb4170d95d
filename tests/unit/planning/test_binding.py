"""Bindings resolved: owners, versions, credentials and failover, each fault at its line."""

import pytest

from reconciler.model.diagnostics import Position, Severity
from tests.support.sites import EVERY_KIND, SMALL, checked, place_of, valid_site

ROLES = """
---
apiVersion: fwdctl/v1
kind: Role
metadata: {name: energy}
spec: {owns: [smart-charging], vendorMessages: [{vendorId: com.acme}]}
---
apiVersion: fwdctl/v1
kind: Role
metadata: {name: also-energy}
spec: {owns: [smart-charging, metering]}
---
apiVersion: fwdctl/v1
kind: Role
metadata: {name: acme}
spec: {vendorMessages: [{vendorId: com.acme}]}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: modern}
spec: {url: wss://modern.example, versions: [ocpp2.1], securityProfile: open}
"""
ONE = "    - {backend: partner, role: primary}\n"
OWN = "give all but one of them a role that does not own it, for example passive"
VERSION = "owners must speak a version that the charger speaks; give this back-end a role that owns nothing"
PASSTHROUGH = "only the one owner of security may have credentials: passthrough; remove it here"

RULES = [
    (
        "two owners of the rest",
        ["{backend: partner, role: primary}", "{backend: grid, role: primary}"],
        "role: primary}\n\n",
        Severity.ERROR,
        "spec.backends.1.role: every feature has 2 owners: partner and grid (on cp1)",
        OWN,
    ),
    (
        "two owners by name",
        ["{backend: local, role: primary}", "{backend: grid, role: energy}", "{backend: partner, role: also-energy}"],
        "role: also-energy}",
        Severity.ERROR,
        "spec.backends.2.role: feature smart-charging has 2 owners: grid and partner (on cp1)",
        OWN,
    ),
    (
        "no owner",
        ["{backend: partner, role: passive}", "{backend: grid, role: standby}"],
        "backends:",
        Severity.ERROR,
        "spec.backends: every feature has no owner (on cp1)",
        'give one back-end the role primary, or a role that owns it by name or through "*"',
    ),
    (
        "an owner that is off",
        ["{backend: partner, role: off}"],
        "backends:",
        Severity.ERROR,
        "spec.backends: every feature has no owner (on cp1)",
        'give one back-end the role primary, or a role that owns it by name or through "*"',
    ),
    (
        "two owners of a vendor message",
        ["{backend: local, role: primary}", "{backend: grid, role: energy}", "{backend: partner, role: acme}"],
        "role: acme}",
        Severity.ERROR,
        "spec.backends.2.role: vendor message com.acme/* has 2 owners: grid and partner (on cp1)",
        "take it out of vendorMessages of one of the two roles",
    ),
    (
        "a primary of other versions",
        ["{backend: modern, role: primary}"],
        "backend: modern",
        Severity.ERROR,
        "spec.backends.0.backend: modern (primary) speaks ocpp2.1, but the charger only ocpp1.6 (on cp1)",
        VERSION,
    ),
    (
        "an observer of other versions",
        ["{backend: partner, role: primary}", "{backend: modern, role: passive}"],
        "backend: modern",
        Severity.WARNING,
        "spec.backends.1.backend: modern speaks no version of cp1, so it is never connected",
        "remove it, or correct the versions of either side",
    ),
    (
        "passthrough without owning security",
        ["{backend: partner, role: primary}", "{backend: grid, role: passive, credentials: passthrough}"],
        "credentials",
        Severity.ERROR,
        "spec.backends.1.credentials: grid does not own security",
        PASSTHROUGH,
    ),
    (
        "passthrough to local",
        ["{backend: local, role: primary, credentials: passthrough}"],
        "credentials",
        Severity.ERROR,
        "spec.backends.0.credentials: local is never dialled",
        PASSTHROUGH,
    ),
]


@pytest.mark.parametrize(
    ("backends", "at", "severity", "summary", "hint"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES]
)
def test_a_fault_is_told_where_the_role_is_written(
    backends: list[str], at: str, severity: Severity, summary: str, hint: str
) -> None:
    text = SMALL.replace(ONE, "".join(f"    - {entry}\n" for entry in backends)) + ROLES
    _, [finding] = checked(text)
    assert (finding.severity, finding.summary, finding.hint) == (severity, summary, hint)
    assert finding.address == "backend-binding.a"
    binding = text.index("kind: BackendBinding")
    line, column = place_of(text[binding:], at)
    assert finding.position == Position("-", text.count("\n", 0, binding) + line, column)


def test_the_second_passthrough_is_one_too_many() -> None:
    both = ONE.replace("primary", "primary, credentials: passthrough")
    both += "    - {backend: grid, role: passive, credentials: passthrough}\n"
    _, findings = checked(SMALL.replace(ONE, both))
    assert [finding.summary for finding in findings] == [
        "spec.backends.1.credentials: partner has the station's credential already"
    ]


def test_a_failover_without_effect_is_a_warning() -> None:
    text = SMALL + "  failover: {to: local}\n"
    _, [finding] = checked(text)
    assert finding.severity is Severity.WARNING
    assert finding.summary == "spec.failover: has no effect while whenOwnerIsDown is close"
    assert finding.position == Position("-", *place_of(text, "failover"))
    assert finding.hint == "set whenOwnerIsDown: failover, or remove it"


def test_legs_are_in_the_order_of_the_binding_and_off_has_none() -> None:
    three = "".join(
        f"    - {entry}\n"
        for entry in (
            "{backend: local, role: passive}",
            "{backend: grid, role: off}",
            "{backend: partner, role: primary}",
        )
    )
    charger = valid_site(SMALL.replace(ONE, three)).chargers["cp1"]
    assert [(leg.backend.name, leg.role.name) for leg in charger.legs] == [("local", "passive"), ("partner", "primary")]


def test_local_has_no_leg_unless_it_is_listed() -> None:
    assert valid_site(SMALL).chargers["cp1"].leg("local") is None


def test_chargers_of_one_binding_share_legs_and_owners() -> None:
    chargers = valid_site(EVERY_KIND).chargers
    assert chargers["cp001"].legs is chargers["ice480-01-d2"].legs
    assert chargers["cp001"].owners is chargers["ice480-01-d2"].owners
