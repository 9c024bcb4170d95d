"""Resolving a whole site: everything in it, everything wrong with it, and 10,000 chargers in a moment."""

from time import process_time

import pytest

from reconciler.model.diagnostics import Diagnostic, Severity, has_errors
from reconciler.model.documents import Document
from reconciler.model.features import FEATURES
from reconciler.planning.documents import read_resources
from reconciler.planning.resolve import broken_addresses, check, resolve
from tests.support.sites import EVERY_KIND, SMALL, documents, resources, valid_site


def test_a_site_holds_all_that_is_declared() -> None:
    site = valid_site(EVERY_KIND)
    assert len(site.resources) == 13
    assert site.resources["charger.cp001"].labels == {"site": "depot-a", "vendor": "acme"}
    assert set(site.roles) == {"primary", "passive", "standby", "off", "energy"}
    assert set(site.backends) == {"partner-pay", "grid-co", "local"}
    assert set(site.bound_by.values()) == {"backend-binding.depot-a"}
    assert site.chargers["cp001"].owners == {**dict.fromkeys(FEATURES, "partner-pay"), "smart-charging": "grid-co"}


def test_nothing_declared_is_an_empty_site() -> None:
    site, diagnostics = resolve([])
    assert (site.resources, site.chargers, diagnostics) == ({}, {}, [])
    assert set(site.backends) == {"local"}


def test_resources_from_the_store_resolve_alike_without_places() -> None:
    stored = read_resources([Document(resource.content, file="") for resource in resources(EVERY_KIND)])[0]
    assert resolve(stored)[0].chargers == valid_site(EVERY_KIND).chargers
    broken = [resource for resource in stored if resource.address.kind != "backend"]
    findings = resolve(broken)[1]
    assert has_errors(findings)
    assert {finding.position for finding in findings} == {None}


def test_given_and_stored_resources_resolve_together() -> None:
    stored = read_resources([Document(resource.content, file="") for resource in resources(SMALL)])[0]
    given = resources(SMALL.replace("role: primary", "role: prmary"))
    merged = {resource.address: resource for resource in [*stored, *given[-1:]]}
    [finding] = resolve(merged.values())[1]
    assert (finding.address, finding.position is None) == ("backend-binding.a", False)


def test_the_order_of_resources_does_not_matter() -> None:
    found = resources(EVERY_KIND)
    site, diagnostics = resolve(reversed(found))
    assert not diagnostics
    assert dict(site.chargers) == dict(valid_site(EVERY_KIND).chargers)


def test_what_reading_found_is_told_too() -> None:
    unread = Diagnostic(Severity.ERROR, "x.yaml cannot be read")
    _, diagnostics = check(documents(SMALL)[0], [unread])
    assert diagnostics == [unread]


def test_only_errors_make_an_address_broken() -> None:
    findings = [
        Diagnostic(Severity.ERROR, "a", "backend.a"),
        Diagnostic(Severity.WARNING, "b", "backend.b"),
        Diagnostic(Severity.ERROR, "c"),
    ]
    assert broken_addresses(findings) == {"backend.a"}


def fleet(count: int) -> list[Document]:
    content = [dict(document.content) for document in documents(SMALL)[0]]
    charger = next(one for one in content if one["kind"] == "Charger")
    many = [{**charger, "metadata": {"name": f"cp-{index}", "labels": {"site": "a"}}} for index in range(count)]
    return [Document(one) for one in [*content, *many]]


@pytest.mark.slow
def test_ten_thousand_chargers_resolve_in_a_moment() -> None:
    found, _ = read_resources(fleet(10_000))
    began = process_time()
    site, diagnostics = resolve(found)
    took_s = process_time() - began
    assert not diagnostics
    assert len(site.chargers) == 10_001
    assert len({id(charger.legs) for charger in site.chargers.values()}) == 1
    assert took_s < 1.5


@pytest.mark.slow
def test_a_fault_of_one_binding_is_told_once_however_many_chargers_it_has() -> None:
    found, _ = read_resources(fleet(2_000))
    binding = resources(SMALL.replace("role: primary", "role: passive"))[-1]
    _, diagnostics = resolve([*found[:4], *found[5:], binding])
    assert [finding.summary for finding in diagnostics] == [
        "spec.backends: every feature has no owner (on cp-0 and 2000 more)"
    ]
