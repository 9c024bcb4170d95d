"""The catalogue agrees with OCPP: every CALL is one of its version, and of the feature that gates the operation."""

import json

import pytest

from reconciler.errors import UnknownAddress
from reconciler.local.operations.catalogue import OPERATIONS, operation_named
from reconciler.relay.catalogue import CATALOGUE

CALLS = [
    (operation.name, version, action)
    for operation in OPERATIONS.values()
    for version, actions in operation.actions.items()
    for action in actions
]


@pytest.mark.parametrize(("name", "version", "action"), CALLS)
def test_every_call_is_of_the_feature_that_gates_its_operation(name: str, version: str, action: str) -> None:
    row = CATALOGUE[version][action]
    assert row.from_csms
    assert row.feature == OPERATIONS[name].feature


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_only_reads_asks_nothing_that_changes_anything(name: str) -> None:
    operation = OPERATIONS[name]
    read_only = all(
        CATALOGUE[version][action].read_only for version, own in operation.actions.items() for action in own
    )
    assert operation.read_only == read_only


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_is_described_in_a_schema_that_is_json(name: str) -> None:
    schema = json.loads(json.dumps(OPERATIONS[name].schema()))
    assert schema["additionalProperties"] is False
    for field, described in schema.get("properties", {}).items():
        assert described.get("description"), f"{name}: {field} says nothing"


def test_an_operation_that_is_not_there_is_told_with_those_that_are() -> None:
    assert operation_named("reset").feature == "provisioning"
    with pytest.raises(UnknownAddress) as told:
        operation_named("reboot")
    assert "reset" in told.value.hint
