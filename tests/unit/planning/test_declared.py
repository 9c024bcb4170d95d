"""References: each names something that is declared, built in, or at least broken rather than missing."""

import pytest

from reconciler.model.diagnostics import Position, Severity
from reconciler.planning.declared import Declared, dangling_references
from tests.support.sites import EVERY_KIND, SMALL, checked, place_of, resources

OUTAGE = """
---
apiVersion: fwdctl/v1
kind: ScheduledOutage
metadata: {name: o}
spec:
  chargers: {names: [cp1]}
  window: {start: 2026-12-01T02:00, duration: 2h, timeZone: UTC}
  roles: {partner: passive, local: primary}
  notice: {before: [1h], to: [partner]}
"""
SITE = (
    SMALL.replace("partner.example/ocpp,", "partner.example/ocpp, contacts: [{email: noc@partner.example}],") + OUTAGE
)

RULES = [
    (
        "[ocpp1.6], securityProfile: open}\n---\napiVersion: fwdctl/v1\nkind: BackendBinding",
        "[ocpp1.6], securityProfile: opne}\n---\napiVersion: fwdctl/v1\nkind: BackendBinding",
        "securityProfile: opne",
        "charger.cp1",
        "spec.securityProfile: there is no security-profile opne",
        "did you mean open?",
    ),
    (
        "ocpp1.6], securityProfile: open}\n---\napiVersion: fwdctl/v1\nkind: Backend\n",
        "ocpp1.6], securityProfile: tls}\n---\napiVersion: fwdctl/v1\nkind: Backend\n",
        "securityProfile: tls",
        "backend.partner",
        "spec.securityProfile: there is no security-profile tls",
        "declare security-profile.tls, or correct the name",
    ),
    (
        "{backend: partner, role: primary}",
        "{backend: partnr, role: primary}",
        "backend: partnr",
        "backend-binding.a",
        "spec.backends.0.backend: there is no backend partnr",
        "did you mean partner?",
    ),
    (
        "{backend: partner, role: primary}",
        "{backend: partner, role: primry}",
        "role: primry",
        "backend-binding.a",
        "spec.backends.0.role: there is no role primry",
        "did you mean primary?",
    ),
    (
        "roles: {partner: passive, local: primary}",
        "roles: {parter: passive, local: primary}",
        "parter: passive",
        "scheduled-outage.o",
        "spec.roles.parter: there is no backend parter",
        "did you mean partner?",
    ),
    (
        "roles: {partner: passive, local: primary}",
        "roles: {partner: pasive, local: primary}",
        "partner: pasive",
        "scheduled-outage.o",
        "spec.roles.partner: there is no role pasive",
        "did you mean passive?",
    ),
    (
        "to: [partner]",
        "to: [grdi]",
        "grdi",
        "scheduled-outage.o",
        "spec.notice.to.0: there is no backend grdi",
        "did you mean grid?",
    ),
]


@pytest.mark.parametrize(("good", "bad", "at", "address", "summary", "hint"), RULES, ids=[rule[4] for rule in RULES])
def test_a_dangling_reference_is_an_error(good: str, bad: str, at: str, address: str, summary: str, hint: str) -> None:
    assert good in SITE
    text = SITE.replace(good, bad)
    _, [finding] = checked(text)
    assert finding.severity is Severity.ERROR
    assert (finding.address, finding.summary, finding.hint) == (address, summary, hint)
    assert finding.position == Position("-", *place_of(text, at))


def test_all_references_of_a_good_site_lead_somewhere() -> None:
    assert list(dangling_references(Declared(resources(EVERY_KIND)))) == []


def test_what_is_declared_and_broken_is_not_missing() -> None:
    without = [resource for resource in resources(SMALL) if str(resource.address) != "backend.partner"]
    assert len(list(dangling_references(Declared(without)))) == 1
    assert list(dangling_references(Declared(without, broken=["backend.partner"]))) == []
    assert len(list(dangling_references(Declared(without, broken=["role.partner"])))) == 1


def test_a_fault_in_one_document_makes_no_false_alarm_about_others() -> None:
    _, findings = checked(SMALL.replace("wss://partner", "http://partner"))
    assert [finding.address for finding in findings] == ["backend.partner"]
    _, findings = checked(SMALL.replace("kind: SecurityProfile", "kind: SecurityProfile\nkind: Role"))
    assert [finding.summary for finding in findings] == ["key kind is written twice"]
    _, findings = checked(SMALL.replace("metadata: {name: partner}", "metadata: {name: partner"))
    assert [finding.summary[:14] for finding in findings] == ["not valid YAML"]
