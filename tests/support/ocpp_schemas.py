"""The schemas of the `ocpp` package: validators for payloads, and payloads that fit a schema."""

import json
from functools import cache
from importlib import resources
from typing import Any, Literal

import jsonschema_rs

Kind = Literal["request", "response"]
_PACKAGES = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}

_FORMATS = {"date-time": "2026-12-01T02:00:00Z", "uri": "ftp://x.example/"}


@cache
def schema(version: str, action: str, kind: Kind) -> dict[str, Any]:
    """Return the schema of an action's request or response; `version` is a subprotocol."""
    request = "" if version == "ocpp1.6" else "Request"
    name = f"{action}{request if kind == 'request' else 'Response'}.json"
    text = resources.files(f"ocpp.{_PACKAGES[version]}").joinpath("schemas", name).read_text(encoding="utf-8-sig")
    found: dict[str, Any] = json.loads(text)
    return found


def faults(version: str, action: str, kind: Kind, payload: Any) -> list[str]:
    """Return what is wrong with a payload, nothing where it fits its schema."""
    return [error.message for error in _validator(version, action, kind).iter_errors(payload)]


@cache
def _validator(version: str, action: str, kind: Kind) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema(version, action, kind))


def example(version: str, action: str, kind: Kind, *, full: bool) -> Any:
    """Return a payload that fits the schema: with every field, or with the required ones only."""
    root = schema(version, action, kind)
    return _example(root, root, full)


def _example(root: dict[str, Any], part: dict[str, Any], full: bool) -> Any:
    if "$ref" in part:
        return _example(root, root["definitions"][part["$ref"].rpartition("/")[2]], full)
    if "enum" in part:
        return part["enum"][0]
    match part.get("type"):
        case "object":
            wanted = part.get("properties", {}) if full else part.get("required", ())
            return {name: _example(root, part["properties"][name], full) for name in wanted}
        case "array":
            return [_example(root, part["items"], full)] * max(part.get("minItems", 0), int(full))
        case "string":
            return _FORMATS.get(part.get("format", ""), "x" * part.get("minLength", 1))
        case "integer" | "number":
            return part.get("minimum", part.get("maximum", 1))
        case "boolean":
            return True
        case other:
            assert other is None, other  # customData: anything
            return "anything"
