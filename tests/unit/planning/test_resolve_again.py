"""Resolving again gives what resolving as a whole gives, and looks only at what differs where it can."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.documents import Document
from reconciler.model.site import Resource, Site
from reconciler.planning.order import by_kind
from reconciler.planning.resolve import resolve
from reconciler.planning.resolve_again import resolve_again
from tests.support.sites import EVERY_KIND
from tests.support.sites import resources as from_text
from tests.support.specs import a_site, binding, charger, profile, resources

FLEET = 4


def site_of(wanted: Mapping[str, Resource]) -> Site:
    """Return what resolving as a whole makes of it."""
    return resolve(wanted.values())[0]


def again(before: Mapping[str, Resource], *changed: Document) -> tuple[Site, Site]:
    """Return the site before, and the one after these documents came over it; it is the same resolved as a whole."""
    known = site_of(before)
    wanted = {**before, **resources(changed)}
    found = resolve_again(wanted, known)
    whole = resolve([wanted[address] for address in by_kind(wanted)])
    assert found == whole
    assert found[0].taken == whole[0].taken
    return known, found[0]


def test_own_fields_of_chargers_are_all_that_is_looked_at() -> None:
    before, after = again(resources(a_site(FLEET)), charger("cp001", serialNumber="SN-1", identity="one"))
    assert after.chargers["cp001"].identity == "one"
    assert after.declared_by is before.declared_by
    assert after.chargers["cp002"] is before.chargers["cp002"]


@pytest.mark.parametrize(
    "changed",
    [
        charger("cp001", {"site": "a", "row": "2"}),
        charger("cp001", versions=["ocpp1.6", "ocpp2.0.1"]),
        charger("cp001", securityProfile="spare"),
        charger("cp009"),
        binding(roles={"partner": "passive", "grid": "primary"}),
        charger("cp001", identity="CP002"),  # cp002's, compared without regard to case
        charger("cp001", quirks={"assumeVersion": "ocpp2.0.1"}),
    ],
    ids=["label", "versions", "profile", "new", "binding", "identity-taken", "assumed"],
)
def test_everything_else_is_resolved_as_a_whole(changed: Document) -> None:
    before, after = again(resources([*a_site(FLEET), profile("spare")]), changed)
    assert after.declared_by is not before.declared_by


def test_what_had_a_finding_has_it_again() -> None:
    before = resources([*a_site(FLEET), binding("b")])  # selects nothing
    again(before, charger("cp001", serialNumber="SN-1"))
    assert site_of(before).taken is None


def test_identities_may_change_hands() -> None:
    before = resources([*a_site(0)[:-1], charger("cp1", identity="x"), charger("cp2", identity="y"), binding()])
    known, after = again(before, charger("cp1", identity="Y"), charger("cp2", identity="X"))
    assert after.declared_by is known.declared_by


def test_every_kind_besides_stays_as_it_was() -> None:
    before = {str(resource.address): resource for resource in from_text(EVERY_KIND)}
    [changed] = from_text(
        "apiVersion: fwdctl/v1\nkind: Charger\nmetadata: {name: cp001, labels: {site: depot-a}}\n"
        "spec: {identity: CP-001-new, versions: [ocpp1.6], securityProfile: field-tls}\n"
    )
    known, wanted = site_of(before), {**before, "charger.cp001": changed}
    assert resolve_again(wanted, known) == resolve(wanted.values())


OWN = st.fixed_dictionaries(
    {},
    optional={
        "identity": st.sampled_from(["a", "A", "b", "cp002"]),
        "serialNumber": st.sampled_from(["1", "2"]),
        "versions": st.sampled_from([["ocpp1.6"], ["ocpp2.0.1", "ocpp1.6"]]),
        "quirks": st.sampled_from([{"compression": "off"}, {"assumeVersion": "ocpp2.0.1"}]),
    },
)


@settings(deadline=None)  # how fast a shared machine is says nothing
@given(st.lists(OWN, min_size=3, max_size=3), st.lists(OWN, min_size=3, max_size=3))
def test_both_ways_always_give_the_same(
    first: Sequence[Mapping[str, object]], second: Sequence[Mapping[str, object]]
) -> None:
    before = resources(
        [*a_site(0)[:-1], *(charger(f"cp{number:03}", **spec) for number, spec in enumerate(first)), binding()]
    )
    again(before, *(charger(f"cp{number:03}", **spec) for number, spec in enumerate(second)))
