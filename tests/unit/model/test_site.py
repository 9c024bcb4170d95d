"""Resources: what counts as the same, and where they are written."""

from msgspec.structs import replace

from reconciler.model.diagnostics import Position
from tests.support.sites import SMALL, resources

[CHARGER] = [resource for resource in resources(SMALL) if str(resource.address) == "charger.cp1"]


def test_where_a_resource_is_written_does_not_count() -> None:
    assert replace(CHARGER, file="elsewhere.yaml", places={}, content={}) == CHARGER


def test_its_labels_count() -> None:
    assert replace(CHARGER, labels={"site": "b"}) != CHARGER


def test_a_field_is_found_at_its_place_or_the_nearest_around_it() -> None:
    assert CHARGER.position("spec.versions") == Position("-", 19, 8)
    assert CHARGER.position("spec.quirks.pingInterval") == CHARGER.position("spec") == Position("-", 19, 1)
    assert CHARGER.position() == Position("-", 16, 1)


def test_a_resource_from_the_store_has_no_place() -> None:
    assert replace(CHARGER, file="").position("spec") is None
