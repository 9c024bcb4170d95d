"""OCPP's JSON schemas, as the `ocpp` package ships them."""

import json
from functools import cache
from importlib import resources
from typing import Any

_FOLDERS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}


@cache
def _schema(version: str, file: str) -> dict[str, Any]:
    path = resources.files("ocpp") / _FOLDERS[version] / "schemas" / f"{file}.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    return schema


def request_schema(version: str, action: str) -> dict[str, Any]:
    """Return the schema of a CALL's payload; `version` is a subprotocol."""
    return _schema(version, action if version == "ocpp1.6" else f"{action}Request")


def response_schema(version: str, action: str) -> dict[str, Any]:
    """Return the schema of a CALLRESULT's payload."""
    return _schema(version, f"{action}Response")
