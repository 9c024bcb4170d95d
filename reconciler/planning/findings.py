"""Findings: diagnostics about a resource, and pydantic's errors said in words that fit a YAML file."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.model.described import descriptions
from reconciler.model.diagnostics import Diagnostic, InvalidValue, Severity
from reconciler.model.kinds.base import describe
from reconciler.model.site import Resource


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with the field at the dotted `path`."""

    path: str
    summary: str
    hint: str = ""


def error(resource: Resource, path: str, summary: str, hint: str = "") -> Diagnostic:
    """Return an error about the field at `path` of `resource`."""
    return Diagnostic(Severity.ERROR, summary, str(resource.address), resource.position(path), hint)


def warning(resource: Resource, path: str, summary: str, hint: str = "") -> Diagnostic:
    """Return a warning about the field at `path` of `resource`."""
    return Diagnostic(Severity.WARNING, summary, str(resource.address), resource.position(path), hint)


def did_you_mean(wrong: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint that names what is nearest to `wrong`, or else says what there is."""
    names = sorted(known)
    near = get_close_matches(wrong, names, n=1, cutoff=0.6) or [name for name in names if name.lower() == wrong.lower()]
    if near:
        return f"did you mean {near[0]}?"
    if otherwise or not names:
        return otherwise
    return f"use one of: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"


def several(names: Iterable[str], noun: str = "") -> str:
    """Return `names` in short: all of up to three, else the first and how many more."""
    listed = list(names)
    shown = " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
    if len(listed) > 3:
        shown = f"{listed[0]} and {len(listed) - 1} more"
    return f"{shown}{' ' + noun if noun else ''}"


def findings(failure: ValidationError, model: type[BaseModel], prefix: str) -> Iterator[Finding]:
    """Yield what `failure` of validating `model` says; `prefix` is the path at which the model is written."""
    faults = failure.errors(include_url=False)
    enclosing = {fault["loc"][:length] for fault in faults for length in range(len(fault["loc"]))}
    for fault in faults:
        loc = tuple(part for part in fault["loc"] if part != "[key]")
        if fault["type"] == "too_short" and loc in enclosing:
            continue  # its items are wrong, so pydantic counts none of them
        if fault["type"] == "extra_forbidden":
            yield _unknown_field(model, loc, prefix)
        elif fault["type"] == "missing":
            where = _path(prefix, loc[:-1])
            yield Finding(where, f"{where}: needs {loc[-1]}", _description(model, loc))
        else:
            where = _path(prefix, loc)
            summary, hint = _say(fault)
            yield Finding(where, f"{where}: {summary}", hint)


def _path(prefix: str, loc: tuple[int | str, ...]) -> str:
    return ".".join([prefix, *map(str, loc)])


def _unknown_field(model: type[BaseModel], loc: tuple[int | str, ...], prefix: str) -> Finding:
    owner = _model_at(model, loc[:-1])
    known = [field.alias or name for name, field in owner.model_fields.items()] if owner else []
    where = _path(prefix, loc[:-1])
    return Finding(_path(prefix, loc), f"{where}: unknown field {loc[-1]}", did_you_mean(str(loc[-1]), known))


def _description(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    owner = _model_at(model, loc[:-1])
    for name, field in owner.model_fields.items() if owner else ():
        if owner is not None and field.alias == loc[-1] and name in descriptions(owner):
            return f"{loc[-1]}: {descriptions(owner)[name]}"
    return f"add {loc[-1]}"


def _model_at(model: type[BaseModel] | None, loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model of the mapping at `loc` inside `model`, None where there is none."""
    for part in loc:
        if isinstance(part, int):
            continue
        fields = model.model_fields.values() if model else ()
        model = next((_model_in(field.annotation) for field in fields if field.alias == part), None)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


_WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}

_HOW_TO_WRITE = {
    "string_type": "write plain text",
    "bool_type": "only true and false are booleans; yes, no, on and off are text",
    "int_type": "write a number such as 5",
    "float_type": "write a number such as 5",
    "tuple_type": "write each item on a line that begins with '- ', or all in [brackets]",
    "dict_type": "write its fields on lines of their own below it, or all in {braces}",
    "model_type": "write its fields on lines of their own below it, or all in {braces}",
}

_LIMITS = {
    "greater_than": ("must be greater than {gt}", "correct the number"),
    "greater_than_equal": ("must be {ge} or more", "correct the number"),
    "less_than_equal": ("must be {le} or less", "correct the number"),
    "finite_number": ("must be a finite number", "correct the number"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
    "string_too_short": ("must not be empty", "give it a value, or remove the line"),
    "too_long": ("has more than {max_length} items", "split it up"),
    "too_short": ("must not be empty", "give it at least one item"),
}


def _say(fault: ErrorDetails) -> tuple[str, str]:
    """Return summary and hint of one error."""
    kind, given, context = fault["type"], fault["input"], fault.get("ctx", {})
    if kind == "value_error" and isinstance(context.get("error"), InvalidValue):
        return context["error"].summary, context["error"].hint
    if kind == "literal_error":
        return _not_in_choice(given, context["expected"])
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {describe(given)}", _wrong_type_hint(kind, given)
    if kind in _LIMITS:
        summary, hint = _LIMITS[kind]
        return summary.format(**{name: _plain(value) for name, value in context.items()}), hint
    return fault["msg"], ""


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _not_in_choice(given: object, expected: str) -> tuple[str, str]:
    choices = re.findall(r"'([^']*)'", expected)
    wanted = expected.replace("'", "")
    if not isinstance(given, str) and str(given) in choices:
        return f"must be text, not {describe(given)}", f'write it in quotes: "{given}"'
    hint = did_you_mean(given, choices, otherwise=f"use {wanted}") if isinstance(given, str) else f"use {wanted}"
    return f"must be {wanted}, not {describe(given)}", hint


def _wrong_type_hint(kind: str, given: object) -> str:
    if given is None:
        return "give it a value, or remove the line"
    if kind == "string_type" and isinstance(given, int | float):
        return f'write it in quotes: "{str(given).lower() if isinstance(given, bool) else given}"'
    if kind in ("int_type", "float_type") and isinstance(given, str) and given.isdecimal():
        return "write it without quotes"
    return _HOW_TO_WRITE[kind]
