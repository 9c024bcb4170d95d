"""Forms made from the JSON Schema of an operation's parameters, and what was typed turned back into parameters."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from reconciler.adapters.console.wording import words_of

Control = Literal["choice", "text", "secret", "number", "switch", "lines", "json"]
_PREFIX: Final = "p."
"""Before a parameter's name in a form, so that none can be taken for a field of ours."""
_SECRETS: Final = ("password", "secret", "key_password")
LONG_TEXT: Final = 200


class Field(msgspec.Struct, frozen=True):
    """One control of the form; `value` is what it shows: the default, or what was typed."""

    name: str
    title: str
    help: str
    control: Control
    value: str
    required: bool
    options: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    longest: int | None = None
    whole: bool = False

    @property
    def key(self) -> str:
        """Return the name of its control in the form."""
        return f"{_PREFIX}{self.name}"


def fields_of(schema: Mapping[str, Any], typed: Mapping[str, Any] | None = None) -> list[Field]:
    """Return the controls for a schema, what has to be given first; `typed` is a form that came back."""
    required = schema.get("required", ())
    found = [
        _field(name, _plain(told, schema.get("$defs", {})), name in required, typed)
        for name, told in schema.get("properties", {}).items()
    ]
    return sorted(found, key=lambda field: not field.required)


def read_fields(fields: Iterable[Field]) -> dict[str, Any]:
    """Return the parameters that were typed; what was left empty is left out, what can't be read stays text.

    Whether they are right is for the operation to say: its own words about a parameter are better than ours.
    """
    given: dict[str, Any] = {}
    for field in fields:
        if field.control == "switch":
            given[field.name] = field.value == "yes"
        elif field.value.strip() or (field.required and field.control == "text"):
            given[field.name] = _read(field)
    return given


def _read(field: Field) -> Any:
    text = field.value.strip()
    if field.control == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if field.control == "number":
        try:
            return int(text) if field.whole else float(text)
        except ValueError:
            return text
    if field.control == "json":
        try:
            return msgspec.json.decode(text)
        except msgspec.MsgspecError:
            return text
    return text


def _plain(told: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a property's schema without what may be null and without references."""
    found = dict(told)
    if "anyOf" in found:
        kinds = [kind for kind in found["anyOf"] if kind.get("type") != "null"]
        found = {**found, **(kinds[0] if len(kinds) == 1 else {"type": "object"})}
    reference = found.get("$ref", "")
    if reference:
        found = {**definitions.get(reference.rpartition("/")[2], {}), **found}
    return found


def _field(name: str, told: Mapping[str, Any], required: bool, typed: Mapping[str, Any] | None) -> Field:
    control = _control(name, told)
    default = told.get("default")
    value = "" if default is None or default == [] else str(default)
    if control == "switch":
        value = "yes" if default else ""
    if typed is not None:
        value = str(typed.get(f"{_PREFIX}{name}", ""))
    return Field(
        name,
        words_of(name),
        str(told.get("description", "")),
        control,
        value,
        required,
        tuple(map(str, told.get("enum", ()))),
        told.get("minimum", told.get("exclusiveMinimum")),
        told.get("maximum"),
        told.get("maxLength"),
        told.get("type") == "integer",
    )


def _control(name: str, told: Mapping[str, Any]) -> Control:
    if "enum" in told:
        return "choice"
    kind = told.get("type")
    if kind in ("integer", "number"):
        return "number"
    if kind == "boolean":
        return "switch"
    if kind == "array":
        return "lines" if told.get("items", {}).get("type") == "string" else "json"
    if kind == "object":
        return "json"
    return "secret" if name in _SECRETS or told.get("writeOnly") else "text"
