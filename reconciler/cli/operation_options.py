"""An operation's parameters as options of the command line: --type soft, --keys A --keys B, --within 10m.

Made from the operation's own parameters, so that nothing is written twice.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.cli import options
from reconciler.errors import FwdctlError
from reconciler.local.operations.operation import Operation


def read_parameters(operation: Operation, given: Sequence[str], pairs: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that options (--type soft) and pairs (type=soft) give, checked; `@FILE` reads a file.

    Raises FwdctlError for what the operation does not take.
    """
    values: dict[str, Any] = {}
    schema = operation.schema().get("properties", {})
    for name, text in [*_options(operation, given, schema), *map(_pair, pairs)]:
        value = _value(name, text)
        if _kind(schema.get(name, {})) == "array":
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return operation.read(values).model_dump(mode="json", exclude_unset=True)


def describe(operation: Operation) -> str:
    """Return what an operation does and takes, for people."""
    lines = [f"{operation.name}: {operation.summary}", f"  needs the feature {operation.feature}"]
    schema = operation.schema()
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        default = field.get("default")
        about = "" if name not in required else " (required)"
        if default not in (None, "", 0, [], False) and name not in required:
            shown = f"{default:g}s" if name.endswith("_s") else default
            about = f" (default {shown})"
        metavar = "DURATION" if name.endswith("_s") else _metavar(field)
        lines.append(f"  {flag(name)} {metavar}".rstrip() + f"  {field.get('description', '')}{about}")
    return "\n".join(lines)


def flag(name: str) -> str:
    """Return the option of a parameter: seconds are given as durations."""
    return "--" + name.removesuffix("_s").replace("_", "-")


def _options(operation: Operation, given: Sequence[str], schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    flags = {flag(name): name for name in schema}
    found: list[tuple[str, str]] = []
    words = list(given)
    while words:
        word, _, inline = words.pop(0).partition("=")
        name = flags.get(word)
        if name is None:
            hint = f"it takes {', '.join(flags) or 'nothing'}: fwdctl op CHARGER {operation.name} --help"
            raise FwdctlError(f"{operation.name} has no option {word}", hint=hint)
        if inline:
            found.append((name, inline))
        elif _kind(schema[name]) == "boolean":
            found.append((name, "true"))
        elif words:
            found.append((name, words.pop(0)))
        else:
            raise FwdctlError(f"{word} needs a value", hint=f"fwdctl op CHARGER {operation.name} --help")
    return found


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise FwdctlError(f"--param {text}: write it as NAME=VALUE")
    return name.replace("-", "_"), value


def _value(name: str, text: str) -> Any:
    if name.endswith("_s"):
        return options.duration_s(flag(name), text)
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FwdctlError(f"{flag(name)}: {text[1:]} can't be read: {error}") from error
    return text


def _kind(field: Mapping[str, Any]) -> str:
    return str(field.get("type", ""))


def _metavar(field: Mapping[str, Any]) -> str:
    choices = field.get("enum") or next((one["enum"] for one in field.get("anyOf", ()) if "enum" in one), None)
    if choices:
        return "|".join(map(str, choices))
    kinds = {_kind(field), *(_kind(one) for one in field.get("anyOf", ()))} - {"", "null"}
    if "boolean" in kinds:
        return ""
    return "VALUE..." if "array" in kinds else "NUMBER" if kinds & {"integer", "number"} else "TEXT"
