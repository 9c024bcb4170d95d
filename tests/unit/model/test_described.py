"""Descriptions of fields: their docstrings, where schemas, forms and errors show them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel, Field

from reconciler.local.operations.catalogue import OPERATIONS
from reconciler.model.described import Described, descriptions
from reconciler.model.kinds import SPEC_MODELS


class Base(BaseModel):
    """A base."""

    colour: str = "red"
    """Of the base."""


class Derived(Base):
    """A model derived from it."""

    width: int = Field(0, alias="theWidth")
    """How wide,
    in metres."""
    bare: int = 0
    said: int = Field(0, description="By itself.")
    """Below."""


def test_a_docstring_below_a_field_describes_it_in_derived_models_too() -> None:
    assert dict(descriptions(Derived)) == {
        "colour": "Of the base.",
        "width": "How wide,\nin metres.",
        "said": "Below.",
    }


def test_schemas_say_what_the_docstrings_say_and_what_a_field_says_itself_first() -> None:
    properties = Derived.model_json_schema(schema_generator=Described)["properties"]

    told = {name: field.get("description") for name, field in properties.items()}

    assert told == {"colour": "Of the base.", "theWidth": "How wide,\nin metres.", "bare": None, "said": "By itself."}


@pytest.mark.parametrize("kind", SPEC_MODELS)
def test_every_kind_can_be_described(kind: str) -> None:
    model = SPEC_MODELS[kind]

    assert set(descriptions(model)) <= set(model.model_fields)


def test_every_operation_says_what_its_parameters_are() -> None:
    schemas = [operation.schema().get("properties", {}) for operation in OPERATIONS.values()]

    assert any("description" in field for schema in schemas for field in schema.values())


def test_a_model_may_be_used_first_by_several_threads_at_once() -> None:
    class Late(BaseModel, defer_build=True):
        size: int

    with ThreadPoolExecutor(8) as threads:
        sizes = list(threads.map(lambda size: Late(size=size).size, range(100)))

    assert sizes == list(range(100))
