"""Selectors: which chargers a binding, an outage or a rule is about."""

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from reconciler.model.diagnostics import InvalidValue
from reconciler.model.kinds.base import Labels, SpecModel, exactly_one, one_of_schema

GLOB_CHARACTERS = frozenset("*?[")


def _glob(text: str) -> str:
    if not text or not set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.*?[]!") or len(text) > 100:
        raise InvalidValue(
            f"{text!r} names no charger",
            hint='use names from metadata.name, or globs of them such as "ice480-*"',
        )
    return text


Glob = Annotated[str, AfterValidator(_glob), Field(json_schema_extra={"pattern": r"^[-a-z0-9.*?\[\]!]{1,100}$"})]


class Selector(SpecModel):
    """Chargers by {labels: {...}}, all of which must match, or by {names: [...]}, names and globs."""

    model_config = ConfigDict(json_schema_extra=one_of_schema("labels", "names"))

    labels: Annotated[Labels, Field(min_length=1)] | None = None
    names: Annotated[tuple[Glob, ...], Field(strict=False, min_length=1)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        exactly_one(self, "labels", "names")
        return self
