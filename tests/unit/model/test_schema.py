"""Schemas: draft 7 as editors read it, one for each kind and one for all."""

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.model.addresses import KINDS
from reconciler.model.schema import DRAFT, kind_schema, published_schemas, site_schema


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


def test_every_kind_has_a_schema_of_its_own() -> None:
    assert set(published_schemas()) == {f"{kind}.schema.json" for kind in KINDS.values()} | {"site.schema.json"}


@pytest.mark.parametrize("schema", published_schemas().values(), ids=published_schemas().keys())
def test_a_schema_holds_nothing_that_draft_7_does_not_know(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == DRAFT
    later = {"$defs", "prefixItems", "dependentRequired", "unevaluatedProperties", "$dynamicRef"}
    for node in nodes(schema):
        assert not later & node.keys()
        assert "$ref" not in node or set(node) == {"$ref"}, "draft 7 ignores what stands beside $ref"
        assert node.get("type") != "null"


@pytest.mark.parametrize("schema", published_schemas().values(), ids=published_schemas().keys())
def test_every_reference_leads_somewhere_and_every_definition_is_used(schema: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(schema) if "$ref" in node}
    assert references == {f"#/definitions/{name}" for name in schema["definitions"]}


def test_fields_carry_what_an_editor_shows() -> None:
    definitions = kind_schema("Backend")["definitions"]
    assert definitions["BackendSpec"]["properties"]["callTimeout"]["default"] == "30s"
    assert "percent-encoded identity" in definitions["BackendSpec"]["properties"]["url"]["description"]
    assert definitions["Health"]["properties"]["upAfter"]["default"] == "2m"


def test_the_site_schema_asks_the_kind_which_rules_hold() -> None:
    conditions = [rule["if"]["properties"]["kind"]["const"] for rule in site_schema()["allOf"]]
    assert conditions == list(KINDS)
