"""Fields of specs that are durations: text outside, whole seconds inside."""

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.durations import HINT, PATTERN, format_duration, parse_duration


def _parse_positive(text: object) -> int:
    seconds = parse_duration(text)
    if seconds == 0:
        raise InvalidValue(f"{text!r} must be longer than nothing", hint=HINT)
    return seconds


_AS_TEXT = PlainSerializer(format_duration, return_type=str)
_SCHEMA = WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["30s", "5m", "2h", "72h"]})

Duration = Annotated[int, BeforeValidator(parse_duration), _AS_TEXT, _SCHEMA]
"""A field of a spec: text outside, whole seconds inside."""

PositiveDuration = Annotated[
    int,
    BeforeValidator(_parse_positive),
    _AS_TEXT,
    WithJsonSchema({"type": "string", "pattern": r"^0*[1-9][0-9]{0,8}[smh]$", "examples": ["30s", "5m", "2h", "72h"]}),
]
"""As Duration, and longer than nothing."""
