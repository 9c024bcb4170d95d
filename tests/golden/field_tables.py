"""Tables of the fields of each kind, made from the published schemas, for docs/spec-language.md."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.model.addresses import KINDS
from reconciler.model.schema import published_schemas

Schema = Mapping[str, Any]

_TABLE: Final = re.compile(r"(<!-- fields of (?P<kind>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_OWN_SECTION: Final = {
    "Selector": "[selector](#selectors)",
    "SecretReference": "[secret reference](#secret-references)",
    "Contact": "[contact](#contacts)",
    "WindowSpec": "[window](#windows)",
}
_TYPES: Final = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true`, `false`"}
_NEEDED: Final = ("*needed*", "*needed there*")
_NAME_PATTERN: Final = "^[a-z0-9]([-a-z0-9.]"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its dotted path below `spec`, what it takes, its default ("" where there is none), what it is."""

    path: str
    takes: str
    default: str
    text: str

    def row(self) -> str:
        """Return it as a row of a table."""
        text = self.text.replace("|", "\\|").replace("<", "&lt;")
        return f"| `{self.path}` | {self.takes} | {self.default} | {text} |"


def filled(text: str) -> str:
    """Return a document with its tables as the schemas have them."""
    return _TABLE.sub(lambda found: f"{found[1]}{field_table(found['kind'])}{found[3]}", text)


def field_table(kind: str) -> str:
    """Return the Markdown table of a kind's fields."""
    schema = published_schemas()[f"{KINDS[kind]}.schema.json"]
    rows = [field.row() for field in _fields("", schema["properties"]["spec"], schema["definitions"])]
    return "\n".join(["| field | takes | default | |", "|---|---|---|---|", *rows, ""])


def _fields(prefix: str, node: Schema, definitions: Schema) -> Iterator[Field]:
    spec = _resolved(node, definitions)
    for name, written in spec.get("properties", {}).items():
        field = {**written, **written.get("allOf", [{}])[0]}  # a reference with a description of its own
        needed = name in spec.get("required", ())
        path = f"{prefix}{name}"
        inner, suffix = (field["items"], "[]") if _is_list_of_mappings(field) else (field, "")
        if "$ref" in inner and _ref(inner) not in _OWN_SECTION:
            yield from _fields(f"{path}{suffix}.", inner, definitions)
        else:
            default = _NEEDED[bool(prefix)] if needed else _default(field)
            yield Field(path, _takes(field), default, field.get("description", ""))


def _is_list_of_mappings(field: Schema) -> bool:
    return field.get("type") == "array" and "$ref" in field["items"] and _ref(field["items"]) not in _OWN_SECTION


def _takes(field: Schema) -> str:
    if "$ref" in field:
        return _OWN_SECTION[_ref(field)]
    if "const" in field or "enum" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array" and "provisioning" in field["items"].get("enum", ()):
        return "list of [features](#role), or `*`"
    if field.get("type") == "array":
        return f"list of {_takes(field['items'])}"
    if field.get("type") == "object":
        return "mapping"
    if "30s" in field.get("examples", ()):
        return "duration"
    return "name" if str(field.get("pattern", "")).startswith(_NAME_PATTERN) else _TYPES[field["type"]]


def _resolved(node: Schema, definitions: Schema) -> Schema:
    found: Schema = definitions[_ref(node)] if "$ref" in node else node
    return found


def _ref(node: Schema) -> str:
    return str(node["$ref"]).rpartition("/")[2]


def _default(field: Schema) -> str:
    value = field.get("default")
    return "" if value in (None, "") else f"`{value if isinstance(value, str) else json.dumps(value)}`"
