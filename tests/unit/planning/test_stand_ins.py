"""Stand-ins that could not stand in are errors before anybody needs them."""

from tests.support.sites import SMALL, checked, said, valid_site

MODERN = """\
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: modern}
spec: {url: wss://modern.example, versions: [ocpp2.1], securityProfile: open}
"""


def with_failover(to: str, site: str = SMALL) -> str:
    role = "" if to == "local" else f"    - {{backend: {to}, role: passive}}\n"
    return site.rstrip() + f"\n{role}  whenOwnerIsDown: failover\n  failover: {{to: {to}}}\n"


def test_local_and_whoever_speaks_the_chargers_version_can_stand_in() -> None:
    assert valid_site(with_failover("local"))
    assert valid_site(with_failover("grid"))


def test_who_speaks_no_version_of_the_charger_can_not_stand_in() -> None:
    _, findings = checked(with_failover("modern"), MODERN)
    errors = [finding for finding in findings if finding.severity == "error"]
    assert said(errors) == [
        (
            "spec.failover.to: on cp1, it can't stand in for partner: modern (primary) speaks ocpp2.1,"
            " but the charger only ocpp1.6",
            "owners must speak a version that the charger speaks; give this back-end a role that owns nothing",
        )
    ]
    assert errors[0].address == "backend-binding.a"


def test_a_binding_that_is_at_fault_itself_is_told_once() -> None:
    _, findings = checked(with_failover("local", SMALL.replace("role: primary", "role: passive")))
    assert [finding.summary for finding in findings if "failover" in finding.summary] == []
