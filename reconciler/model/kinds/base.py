"""What all kinds share: the strict frozen base model, and the types of fields that several kinds have."""

from collections.abc import Hashable, Mapping
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from reconciler.model.addresses import NAME
from reconciler.model.diagnostics import InvalidValue

_Item = TypeVar("_Item", bound=Hashable)
_Value = TypeVar("_Value", bound=Hashable)


class SpecModel(BaseModel):
    """A mapping in a spec: every field is known, nothing is converted, nothing changes afterwards."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        defer_build=True,  # most sites have a few of the kinds; docstrings of fields: model/described.py
    )


class FrozenDict(dict[str, _Value]):
    """A mapping that can be hashed, so that the models which hold one can; nobody changes it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _without_repeats(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    for position, item in enumerate(items):
        if item in items[:position]:
            shown = item if isinstance(item, str) else "the same"
            raise InvalidValue(f"{shown} is listed twice", hint="remove one of the two")
    return items


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise InvalidValue(
            f"{text!r} is not a name",
            hint="lower-case letters, digits, '-' and '.'; it begins and ends with a letter or digit; at most 63",
        )
    return text


def _label_text(text: str) -> str:
    if "=" in text or "," in text or not text.isprintable():
        raise InvalidValue(f"{text!r} cannot be in a label", hint="labels are selected as key=value: no '=', no ','")
    return text


def whole_number(value: object) -> object:
    """Refuse what Python counts as a whole number and YAML does not: `true` and `2.0`."""
    if type(value) is not int:
        raise InvalidValue(f"must be a whole number, not {describe(value)}", hint=_unquote(value))
    return value


def describe(value: object) -> str:
    """Return what YAML calls `value`, with the value itself where it is short."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 40 else "text"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _unquote(value: object) -> str:
    looks_like_number = isinstance(value, str) and value.isascii() and value.isdigit()
    return f"write {value} without quotes" if looks_like_number else "write a number such as 2"


_NO_REPEATS: Final[JsonDict] = {"uniqueItems": True}

Items = Annotated[tuple[_Item, ...], Field(strict=False)]
"""A list in YAML, a tuple inside."""

UniqueItems = Annotated[
    tuple[_Item, ...], Field(strict=False, json_schema_extra=_NO_REPEATS), AfterValidator(_without_repeats)
]
"""As Items, and nothing twice."""

Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": rf"^{NAME.pattern}$"})]
"""The metadata.name of some resource."""

LabelText = Annotated[
    str, Field(min_length=1, max_length=128, json_schema_extra={"pattern": "^[^=,]*$"}), AfterValidator(_label_text)
]
Labels = Annotated[dict[LabelText, LabelText], AfterValidator(FrozenDict)]
"""Label key -> value."""

OcppVersion = Literal["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]
Versions = Annotated[UniqueItems[OcppVersion], Field(min_length=1)]
"""WebSocket subprotocols, in order of preference."""

ProfileNumber = Annotated[Literal[0, 1, 2, 3], BeforeValidator(whole_number)]
"""An OCPP security profile: 0 none, 1 basic, 2 TLS and basic, 3 mutual TLS."""

EITHER_HINT: Final = "give exactly one of the two"


def exactly_one(model: SpecModel, *fields: str) -> None:
    """Raise InvalidValue unless exactly one of `fields` (Python names) of `model` is set."""
    given = [name for name in fields if getattr(model, name) is not None]
    if len(given) != 1:
        names = " or ".join(to_camel(name) for name in fields)
        raise InvalidValue(
            f"needs {names}" if not given else f"has both {' and '.join(to_camel(name) for name in given)}",
            hint=EITHER_HINT,
        )


def one_of_schema(*required: str) -> JsonDict:
    """Return the JSON Schema for exactly_one over the fields as YAML writes them."""
    return {"oneOf": [{"required": [name]} for name in required]}
