"""What models say of their fields: the docstrings below them, read from the source where somebody asks.

Pydantic can do that while a class is made; then every start of every verb reads and parses the sources of all models,
for words that only a JSON Schema, a form or an error about a missing field shows.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


@cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Return field (Python name) -> its docstring, those of the models it is derived from included."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found.update(_docstrings(one))
    return MappingProxyType(found)


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the fields of the class itself that have a docstring: a text right below them."""
    (written,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(written, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in zip(written.body, written.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }


class Described(GenerateJsonSchema):
    """JSON Schemas whose properties have their fields' docstrings as descriptions."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the JSON Schema of a model."""
        written = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        properties = written.get("properties", {})
        for name, text in descriptions(model).items():
            field = model.model_fields[name]
            if (described := properties.get(field.alias or name)) is not None:
                described.setdefault("description", text)
        return written
