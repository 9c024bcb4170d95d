"""Scope: what a plan may touch."""

import pytest

from reconciler.errors import FwdctlError
from reconciler.planning.scope import Scope, merge
from tests.support.specs import a_site, backend, charger, profile, resources

APPLIED = resources(a_site(2))


def test_given_resources_replace_applied_ones_and_the_rest_stays() -> None:
    given = resources([backend("partner", "ws://127.0.0.1:1/new"), charger("cp009")])
    merged = merge(APPLIED, given.values(), Scope())
    assert merged == {**APPLIED, **given}


def test_what_is_absent_from_the_input_is_deleted_only_with_prune() -> None:
    given = resources(a_site(1)).values()
    assert "charger.cp001" in merge(APPLIED, given, Scope())
    assert "charger.cp001" not in merge(APPLIED, given, Scope(prune=True))


def test_a_prune_is_scoped_by_labels() -> None:
    applied = resources([*a_site(1), charger("other", {"site": "b"})])
    merged = merge(applied, resources([charger("new")]).values(), Scope(prune=True, select={"site": "a"}))
    assert merged.keys() == (applied.keys() - {"charger.cp000"}) | {"charger.new"}


def test_select_leaves_out_given_resources_without_the_labels() -> None:
    given = resources([charger("cp001", {"site": "b"}), charger("cp002")]).values()
    merged = merge(APPLIED, given, Scope(select={"site": "a"}))
    assert merged["charger.cp001"] == APPLIED["charger.cp001"]
    assert "charger.cp002" in merged


def test_targets_and_excludes_are_globs_over_addresses() -> None:
    given = resources(a_site(9)).values()
    merged = merge({}, given, Scope(target=("charger.cp00[1-4]", "backend.*"), exclude=("*.cp003", "backend.grid")))
    assert sorted(merged) == ["backend.partner", "charger.cp001", "charger.cp002", "charger.cp004"]


def test_an_empty_input_is_an_error_even_with_prune() -> None:
    with pytest.raises(FwdctlError, match="no resource was given"):
        merge(APPLIED, [], Scope(prune=True))


def test_a_target_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(FwdctlError, match=r"--target charger\.cp1\* matches no resource"):
        merge(APPLIED, resources([profile()]).values(), Scope(target=("charger.cp1*",)))


def test_an_input_that_the_scope_leaves_nothing_of_is_an_error() -> None:
    with pytest.raises(FwdctlError, match="no given resource is within"):
        merge(APPLIED, resources([profile()]).values(), Scope(select={"site": "nowhere"}))
