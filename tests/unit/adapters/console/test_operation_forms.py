"""Forms from schemas: each parameter has its control, and what was typed becomes parameters again."""

import pytest

from reconciler.adapters.console.operation_forms import fields_of, read_fields
from reconciler.local.operations.catalogue import OPERATIONS


def typed(operation: str, **given: str) -> dict[str, object]:
    schema = OPERATIONS[operation].schema()
    return read_fields(fields_of(schema, {f"p.{name}": value for name, value in given.items()}))


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_the_form_of_every_operation_can_be_sent_as_it_comes_where_nothing_is_required(operation: object) -> None:
    schema = operation.schema()  # type: ignore[attr-defined]
    fields = fields_of(schema)
    assert {field.name for field in fields} == set(schema.get("properties", {}))
    if not schema.get("required"):
        operation.read(read_fields(fields))  # type: ignore[attr-defined]


def test_what_was_typed_has_the_type_that_the_operation_wants() -> None:
    assert typed("trigger", message="Heartbeat", connector="1", within_s="2.5") == {
        "message": "Heartbeat",
        "connector": 1,
        "within_s": 2.5,
    }
    assert typed("get-config", keys="HeartbeatInterval\n\n MeterValueSampleInterval ") == {
        "keys": ["HeartbeatInterval", "MeterValueSampleInterval"]
    }


def test_what_can_t_be_read_is_left_for_the_operation_to_refuse() -> None:
    assert typed("unlock", connector="one") == {"connector": "one"}
    assert typed("set-config", key="X", value="") == {"key": "X", "value": ""}


def test_a_choice_offers_what_the_schema_names_and_required_fields_come_first() -> None:
    fields = fields_of(OPERATIONS["set-variable"].schema())
    assert [field.required for field in fields] == [True, True, False]
    assert fields[2].options == ("Actual", "Target", "MinSet", "MaxSet")
