"""Refusals: how a command that may not reach the station is answered, schema-valid for its version (R8).

The catalogue's column `schema_valid_refusal` says one of
    status=Rejected                                     the answer's one status field
    per-item setVariableResult[].attributeStatus=Rejected   one result for every item of the request
    CALLERROR                                           no refusing status exists
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reconciler.relay.catalogue import CATALOGUE
from reconciler.relay.envelope import UNREADABLE, Frame, call_error, call_result

_PER_ITEM: Final = re.compile(r"per-item (?P<results>\w+)\[\]\.(?P<field>\w+)=(?P<value>\w+)")


class _Items(msgspec.Struct, frozen=True):
    """Where a per-item action keeps its items, and what each result repeats of its item."""

    items: str
    repeated: tuple[str, ...]


_ITEMS: Final[Mapping[str, _Items]] = {
    "GetVariables": _Items("getVariableData", ("component", "variable", "attributeType")),
    "SetVariables": _Items("setVariableData", ("component", "variable", "attributeType")),
    "SetVariableMonitoring": _Items("setMonitoringData", ("component", "variable", "type", "severity")),
    "ClearVariableMonitoring": _Items("id", ("id",)),
    "ClearTariffs": _Items("tariffIds", ("tariffId",)),
}

NOT_PERMITTED: Final = "SecurityError"
"""CALLERROR code, the same in all versions, for commands that the relay does not let through."""


def refusal(version: str, frame: Frame, reason: str) -> bytes:
    """Return the frame that refuses the CALL `frame`, under its own message id; `reason` is for people."""
    row = CATALOGUE[version].get(frame.action)
    if row is not None and not frame.signed:
        if row.refusal.startswith("status="):
            return call_result(frame.id_token, msgspec.json.encode({"status": row.refusal.removeprefix("status=")}))
        per_item = _PER_ITEM.fullmatch(row.refusal)
        if per_item is not None:
            results = _refuse_each(frame, per_item["field"], per_item["value"])
            if results:
                return call_result(frame.id_token, msgspec.json.encode({per_item["results"]: results}))
    return call_error(frame.id_token, NOT_PERMITTED, reason)


def _refuse_each(frame: Frame, field: str, value: str) -> list[dict[str, Any]]:
    where = _ITEMS[frame.action]
    try:
        request = msgspec.json.decode(frame.payload)
    except UNREADABLE:
        return []
    items = request.get(where.items) if isinstance(request, dict) else None
    if not isinstance(items, list):
        return []
    results = []
    for item in items:
        repeated = item if isinstance(item, dict) else {where.repeated[0]: item}
        results.append({field: value} | {key: repeated[key] for key in where.repeated if key in repeated})
    return results
