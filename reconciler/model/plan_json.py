"""A plan as JSON: written, read back, and described by a JSON Schema; versioned by `format_version`."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reconciler.errors import FwdctlError
from reconciler.model.plan import FORMAT_VERSION, Plan, Summary

_MEMBER: Final = re.compile(r"`\$\.?(.*)`$")
"""Where msgspec says that something is wrong."""


def to_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON data, with its `summary`, and whether it is `applyable` and `complete`.

    `applyable`: it changes something and nothing blocks it. `complete`: no charger has to be waited for.
    """
    document: dict[str, Any] = msgspec.to_builtins(plan)
    summary = plan.summary
    return {
        "format_version": document.pop("format_version"),
        **document,
        "summary": msgspec.to_builtins(summary),
        "applyable": not plan.is_empty and not plan.blocked,
        "complete": not summary.deferred and not summary.refused,
    }


def from_json(document: Mapping[str, Any]) -> Plan:
    """Return the plan that `to_json` wrote; fields of a newer minor version are ignored.

    Raises FwdctlError where it is no plan, or one of another major version.
    """
    version = document.get("format_version")
    if not isinstance(version, str) or not version.partition(".")[0].isdecimal():
        raise FwdctlError("this is not a plan: it has no format_version", hint="write one with fwdctl plan --out FILE")
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise FwdctlError(
            f"the plan has format version {version}, this fwdctl reads {FORMAT_VERSION}",
            hint="make the plan anew with this version: fwdctl plan --out FILE",
        )
    try:
        return msgspec.convert(document, Plan)
    except msgspec.ValidationError as error:
        place = _MEMBER.search(str(error))
        where = f" at {place[1]}" if place else ""
        raise FwdctlError(f"the plan is damaged{where}", hint="make it anew: fwdctl plan --out FILE") from None


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of what `to_json` writes; published as specs/plan.schema.json."""
    _, definitions = msgspec.json.schema_components([Plan, Summary], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        if "properties" in definition:  # of what is written nothing is left out
            definition["required"] = sorted(definition["properties"])
    schema = definitions.pop("Plan")
    schema["properties"] |= {
        "summary": {"$ref": "#/$defs/Summary"},
        "applyable": {"type": "boolean", "description": "It changes something and nothing blocks it."},
        "complete": {"type": "boolean", "description": "No charger has to be waited for."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fwdctl plan",
        **{key: value for key, value in schema.items() if key != "title"},
        "required": sorted(schema["properties"]),
        "$defs": definitions,
    }
