"""Diff: changed resources, and the leaves that changed."""

from reconciler.model.diagnostics import Position
from reconciler.model.plan import Action, FieldChange
from reconciler.planning.diff import diff_resources, field_changes
from tests.support.specs import a_site, backend, binding, charger, profile, resources

PARTNER = {"backend": "partner", "role": "primary"}
GRID = {"backend": "grid", "role": "energy"}


def test_equal_resources_are_in_no_change() -> None:
    assert diff_resources(resources(a_site()), resources(a_site()), {}) == ()


def test_a_change_says_what_was_seen_and_where_the_new_text_stands() -> None:
    before = resources([profile(), backend("partner", "ws://127.0.0.1:1/a")])
    after = resources([profile(), backend("partner", "ws://127.0.0.1:1/b")])
    (change,) = diff_resources(before, after, {"backend.partner": 7})
    assert change.action is Action.UPDATE
    assert change.seen_version == 7
    assert change.position == Position("site.yaml", 4, 1)
    assert change.fields == (FieldChange("spec.url", "ws://127.0.0.1:1/a", "ws://127.0.0.1:1/b"),)


def test_what_comes_and_what_goes_is_said_leaf_by_leaf() -> None:
    created, deleted = diff_resources(resources([charger("old")]), resources([charger("new")]), {"charger.old": 1})
    assert (created.action, created.seen_version, created.before) == (Action.CREATE, 0, None)
    assert FieldChange("spec.versions", None, ["ocpp1.6"]) in created.fields
    assert (deleted.action, deleted.seen_version, deleted.after) == (Action.DELETE, 1, None)
    assert FieldChange("metadata.labels.site", "a", None) in deleted.fields
    assert deleted.position is None


def test_where_a_spec_is_written_does_not_count() -> None:
    moved = [type(found)(found.content, "other.yaml", {"": (9, 9)}) for found in a_site()]
    assert diff_resources(resources(a_site()), resources(moved), {}) == ()


def test_items_of_a_list_go_by_their_name_not_by_their_place() -> None:
    before = {"backends": [PARTNER, GRID]}
    after = {"backends": [{"backend": "new", "role": "passive"}, PARTNER | {"role": "passive"}, GRID]}
    assert field_changes(before, after) == (
        FieldChange("backends[new].role", None, "passive"),
        FieldChange("backends[partner].role", "primary", "passive"),
    )


def test_a_mere_change_of_order_is_a_change_too() -> None:
    before, after = {"backends": [PARTNER, GRID]}, {"backends": [GRID, PARTNER]}
    assert field_changes(before, after) == (FieldChange("backends[order]", ["partner", "grid"], ["grid", "partner"]),)


def test_items_that_are_only_a_name_come_and_go() -> None:
    assert field_changes({"to": [{"email": "a@b"}]}, {"to": [{"email": "c@d"}]}) == (
        FieldChange("to[c@d]", None, True),
        FieldChange("to[a@b]", True, None),
    )


def test_lists_of_plain_values_change_as_a_whole() -> None:
    assert field_changes({"versions": ["ocpp1.6"]}, {"versions": ["ocpp2.1", "ocpp1.6"]}) == (
        FieldChange("versions", ["ocpp1.6"], ["ocpp2.1", "ocpp1.6"]),
    )


def test_a_value_of_another_shape_changes_as_a_whole() -> None:
    assert field_changes({"password": {"fromEnv": "A"}}, {"password": 1}) == (
        FieldChange("password", {"fromEnv": "A"}, 1),
    )


def test_a_changed_binding_of_real_specs_names_the_back_end() -> None:
    before, after = (
        resources([binding(roles={"partner": "primary"})]),
        resources([binding(roles={"partner": "passive"})]),
    )
    (change,) = diff_resources(before, after, {})
    assert [field.path for field in change.fields] == ["spec.backends[partner].role"]
