"""Every id field of the catalogue is mapped, or is one of those that need no mapping."""

import csv
from importlib import resources
from typing import Any

import pytest

from reconciler.relay.id_fields import CALL_ANSWERS, CALLS, COMMAND_ANSWERS, COMMANDS, Fields
from reconciler.relay.splice import ELEMENT
from reconciler.relay.transaction_ids import CARRIES_TRANSACTION_ID, NAMES_TRANSACTION
from tests.support.schemas import request_schema, response_schema

NO_MAPPING = {
    *("connectorId", "evseId", "configurationSlot", "seqNo"),  # places and counters
    *("idTag", "parentIdTag", "idToken", "groupIdToken", "vendorId", "messageId"),  # people and names
    *("listVersion", "versionNumber"),  # list_version.py
}
STATION_MINTS = {
    ("id", "ClearVariableMonitoring"),
    ("id", "AdjustPeriodicEventStream"),
    ("id", "ClosePeriodicEventStream"),
    ("id", "NotifyPeriodicEventStream"),
    *(("requestId", action) for action in ("SignCertificate", "CertificateSigned")),
}
TABLES = [
    (COMMANDS, request_schema),
    (CALLS, request_schema),
    (COMMAND_ANSWERS, response_schema),
    (CALL_ANSWERS, response_schema),
]


def catalogue_rows() -> list[dict[str, str]]:
    text = resources.files("reconciler.relay").joinpath("actions.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def names(fields: Fields) -> set[str]:
    return {next(key for key in reversed(path) if key != ELEMENT) for _, path in fields}


def transaction_ids(version: str, action: str) -> set[str]:
    """Return the field where `transaction_ids.py` maps it in a CALL; in 2.x stations mint it."""
    mapped = action in CARRIES_TRANSACTION_ID | NAMES_TRANSACTION
    return {"transactionId"} if mapped or version != "ocpp1.6" else set()


@pytest.mark.parametrize("row", catalogue_rows(), ids=lambda row: f"{row['version']}-{row['action']}")
def test_no_id_field_of_the_catalogue_is_forgotten(row: dict[str, str]) -> None:
    version, action = f"ocpp{row['version']}", row["action"]
    minted = {field for field, by in STATION_MINTS if by == action}
    asked = set(row["id_fields_in_request"].split()) - NO_MAPPING
    mapped = names(COMMANDS[version].get(action, ())) | names(CALLS[version].get(action, ()))
    # the catalogue names what is nested in a 2.x type by the type's own name or plainly
    plain = {"chargingProfileId": "id"} if "id" in mapped else {}
    assert {plain.get(field, field) for field in asked} <= mapped | minted | transaction_ids(version, action)
    assert not mapped & minted
    answered = set(row["id_fields_in_response"].split()) - NO_MAPPING
    mapped = names(COMMAND_ANSWERS[version].get(action, ())) | names(CALL_ANSWERS[version].get(action, ()))
    started = {"transactionId"} if version != "ocpp1.6" or action == "StartTransaction" else set()
    assert answered <= mapped | started


@pytest.mark.parametrize(("table", "schema_of"), TABLES)
def test_every_path_leads_to_a_field_of_its_schema(table: Any, schema_of: Any) -> None:
    for version, actions in table.items():
        for action, fields in actions.items():
            root = schema_of(version, action)
            for _, path in fields:
                assert leads_somewhere(root, path), f"{version} {action} {path}"


def leads_somewhere(root: dict[str, Any], path: tuple[str, ...]) -> bool:
    at = root
    for key in path:
        if "$ref" in at:
            at = root["definitions"][at["$ref"].rpartition("/")[2]]
        at = at.get("items", {}) if key == ELEMENT else at.get("properties", {}).get(key, {})
    return at.get("type") in ("integer", "string")
