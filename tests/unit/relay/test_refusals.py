"""Refusals: for every command of the catalogue, an answer that its response schema allows (R8)."""

import json
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest

from reconciler.relay.catalogue import CATALOGUE, Action
from reconciler.relay.envelope import DEPTH_MAX, Frame, read_frame
from reconciler.relay.refusals import NOT_PERMITTED, refusal

PACKAGES = {"ocpp1.6": "ocpp.v16", "ocpp2.0.1": "ocpp.v201", "ocpp2.1": "ocpp.v21"}
COMMANDS = [(version, row) for version, rows in CATALOGUE.items() for row in rows.values() if row.from_csms]
COMPONENT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
REQUESTS: dict[str, dict[str, Any]] = {
    "GetVariables": {"getVariableData": [COMPONENT, COMPONENT | {"attributeType": "Target"}]},
    "SetVariables": {"setVariableData": [COMPONENT | {"attributeValue": "1"}, COMPONENT | {"attributeValue": "2"}]},
    "SetVariableMonitoring": {
        "setMonitoringData": [COMPONENT | {"value": 1.5, "type": "UpperThreshold", "severity": 8, "transaction": True}]
    },
    "ClearVariableMonitoring": {"id": [1, 2, 3]},
    "ClearTariffs": {"tariffIds": ["t1", "t2"], "evseId": 1},
}


@cache
def response_schema(version: str, action: str) -> Any:
    text = resources.files(PACKAGES[version]).joinpath("schemas", f"{action}Response.json").read_text("utf-8-sig")
    return jsonschema_rs.validator_for(json.loads(text))


def command(action: str, payload: object, token: str = '"c1"') -> Frame:
    read = read_frame(f'[2,{token},"{action}",{json.dumps(payload)}]'.encode())
    assert isinstance(read, Frame)
    return read


@pytest.mark.parametrize(("version", "row"), COMMANDS, ids=lambda it: it.name if isinstance(it, Action) else it)
def test_every_refusal_is_valid(version: str, row: Action) -> None:
    answer = json.loads(refusal(version, command(row.name, REQUESTS.get(row.name, {})), "not yours"))
    if row.refusal.startswith("CALLERROR"):
        assert answer == [4, "c1", NOT_PERMITTED, "not yours", {}]
    else:
        assert answer[:2] == [3, "c1"]
        response_schema(version, row.name).validate(answer[2])


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp2.1"])
def test_every_item_of_a_request_is_refused(version: str) -> None:
    answer = json.loads(refusal(version, command("SetVariables", REQUESTS["SetVariables"]), "no"))
    assert answer[2]["setVariableResult"] == [COMPONENT | {"attributeStatus": "Rejected"}] * 2


@pytest.mark.parametrize(
    "payload", [None, {}, {"setVariableData": 5}, {"setVariableData": []}, {"setVariableData": None}, {"x": [1]}]
)
def test_a_request_without_items_gets_an_error(payload: object) -> None:
    answer = json.loads(refusal("ocpp2.0.1", command("SetVariables", payload), "no"))
    assert answer == [4, "c1", NOT_PERMITTED, "no", {}]


def test_a_request_that_nests_as_deep_as_a_frame_may_is_refused_like_any_other() -> None:
    items = b'[{"a":' + b"[" * (DEPTH_MAX - 5) + b"]" * (DEPTH_MAX - 5) + b"}]"
    asked = read_frame(b'[2,"c1","SetVariables",{"setVariableData":%b,"x":%b}]' % (items, items))
    assert isinstance(asked, Frame)
    kind, token, answer = json.loads(refusal("ocpp2.0.1", asked, "no"))
    assert (kind, token, len(answer["setVariableResult"])) == (3, "c1", 1)


def test_an_unheard_action_gets_an_error() -> None:
    assert json.loads(refusal("ocpp1.6", command("MadeUp", {}), "no")) == [4, "c1", NOT_PERMITTED, "no", {}]


def test_an_action_of_stations_gets_an_error() -> None:
    assert json.loads(refusal("ocpp1.6", command("StartTransaction", {}), "no"))[:3] == [4, "c1", NOT_PERMITTED]


def test_a_signed_command_gets_an_error_rather_than_an_unsigned_answer() -> None:
    signed = read_frame(b'[2,"c1",{"alg":"x"},"SetVariables-Signed",{"payload":"x"}]')
    assert isinstance(signed, Frame)
    assert json.loads(refusal("ocpp2.0.1", signed, "no"))[:3] == [4, "c1", NOT_PERMITTED]


def test_an_odd_id_comes_back_as_it_was_written() -> None:
    assert refusal("ocpp1.6", command("Reset", {}, "1.50"), "no") == b'[3,1.50,{"status":"Rejected"}]'
