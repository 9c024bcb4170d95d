"""JSON Schemas of the spec language, made from the models: what editors and other tools check YAML against."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reconciler.model.addresses import KINDS
from reconciler.model.described import Described
from reconciler.model.desired import LOCAL
from reconciler.model.durations import format_duration
from reconciler.model.kinds import API_VERSION, BUILT_IN_ROLES, SPEC_MODELS, Metadata

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""What yaml-language-server understands."""

_REF: Final = "#/definitions/{model}"


def published_schemas() -> dict[str, dict[str, Any]]:
    """Return file name -> JSON Schema (draft 7): one for each kind, and one for a document of any kind."""
    schemas = {f"{KINDS[kind]}.schema.json": kind_schema(kind) for kind in SPEC_MODELS}
    return {**schemas, "site.schema.json": site_schema()}


def kind_schema(kind: str) -> dict[str, Any]:
    """Return the schema of a document of `kind`, as written in YAML ("Charger")."""
    definitions = _definitions([SPEC_MODELS[kind]])
    return {"$schema": DRAFT, "title": f"{kind} ({API_VERSION})", **_document(kind), "definitions": definitions}


def site_schema() -> dict[str, Any]:
    """Return the schema of a document of any kind; its `kind` says which rules hold."""
    of_kind = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": _document(kind)}
        for kind in SPEC_MODELS
    ]
    return {
        "$schema": DRAFT,
        "title": f"Any kind ({API_VERSION})",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"enum": list(SPEC_MODELS)}},
        "allOf": of_kind,
        "definitions": _definitions(list(SPEC_MODELS.values())),
    }


def _document(kind: str) -> dict[str, Any]:
    model = SPEC_MODELS[kind]
    return {
        "type": "object",
        "description": (model.__doc__ or "").strip(),
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind},
            "metadata": {"$ref": _REF.format(model=Metadata.__name__)},
            "spec": {"$ref": _REF.format(model=model.__name__)},
        },
        **_name_rule(kind),
    }


def _name_rule(kind: str) -> Mapping[str, Any]:
    """Return what holds between a resource's name and its kind."""
    if kind == "Role":
        return {"not": _named(*BUILT_IN_ROLES)}
    if kind == "Backend":
        is_local = {"properties": {"spec": {"required": ["local"]}}}
        return {"if": _named(LOCAL), "then": is_local, "else": {"not": is_local}}
    return {}


def _named(*names: str) -> dict[str, Any]:
    return {"properties": {"metadata": {"properties": {"name": {"enum": list(names)}}}}}


def _definitions(models: list[Any]) -> dict[str, Any]:
    """Return the definitions of `models`, Metadata and all that they are made of."""
    wanted: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in (Metadata, *models)]
    _, schema = models_json_schema(wanted, by_alias=True, ref_template=_REF, schema_generator=Described)
    return {name: _draft_7(definition) for name, definition in schema["$defs"].items()}


def _draft_7(schema: Any) -> Any:
    """Return `schema` as draft 7 and this language have it: no siblings of $ref, no null, durations as text."""
    if isinstance(schema, list):
        return [_draft_7(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    given = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(given) == 1:
        schema = {**given[0], **{key: value for key, value in schema.items() if key != "anyOf"}}
    if "patternProperties" in schema:
        schema = {**schema, "additionalProperties": False}
    for counted, least in (("array", "minItems"), ("object", "minProperties")):
        if schema.get("type") == counted and "minLength" in schema:
            schema = {least if key == "minLength" else key: value for key, value in schema.items()}
    if "properties" in schema:
        fields = {name: _field(_draft_7(field)) for name, field in schema["properties"].items()}
        rest = {key: _draft_7(value) for key, value in schema.items() if key not in ("properties", "title")}
        return {**rest, "properties": fields}
    return {key: _draft_7(value) for key, value in schema.items()}


def _field(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one field: without made-up titles, with its default as YAML writes it."""
    field = {key: value for key, value in schema.items() if key not in ("title", "default")}
    default = schema.get("default")
    if default is not None and not isinstance(default, dict):
        is_duration = field.get("type") == "string" and isinstance(default, int)
        field["default"] = format_duration(default) if is_duration else default
    if "$ref" in field and len(field) > 1:
        field = {"allOf": [{"$ref": field.pop("$ref")}], **field}
    return field
