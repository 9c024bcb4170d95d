"""Configuration: keys, variables, reports in parts; secrets stay hidden; odd answers harm nobody."""

import pytest

from reconciler.errors import FwdctlError
from reconciler.local.operations.configuration import ConfigKey, ConfigResult, VariablesResult, VariableValue
from reconciler.local.operations.course import BadOrder, Heard, Left, TimedOut
from reconciler.model.operations import State
from tests.support.courses import SECOND_VERSIONS, Play


def test_keys_are_read_and_what_is_secret_is_hidden() -> None:
    play = Play("ocpp1.6", "get-config", {"keys": ["HeartbeatInterval", "AuthorizationKey", "Nothing"]})
    play.answer(
        {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": 300},
                {"key": "AuthorizationKey", "readonly": True, "value": "s3cret"},
                "odd",
            ],
            "unknownKey": ["Nothing"],
        }
    )
    assert play.end.result == ConfigResult(
        keys=(
            ConfigKey(key="HeartbeatInterval", value="300"),
            ConfigKey(key="AuthorizationKey", value="(hidden)", readonly=True),
        ),
        unknown=("Nothing",),
    )
    assert Play("ocpp1.6", "get-config").last == {}


def test_a_key_is_set_and_may_want_a_reset() -> None:
    play = Play("ocpp1.6", "set-config", {"key": "HeartbeatInterval", "value": "60"}).answer(
        {"status": "RebootRequired"}
    )
    assert play.told == ["accepted: it counts after the next reset"]
    assert Play("ocpp1.6", "set-config", {"key": "X", "value": ""}).answer({"status": "NotSupported"}).end.state is (
        State.DECLINED
    )


def test_a_secret_value_is_not_shown_to_history() -> None:
    operation = Play("ocpp1.6", "set-config", {"key": "WifiPassword", "value": "s3cret"}).operation
    assert operation.read({"key": "WifiPassword", "value": "s3cret"}).shown()["value"] == "(hidden)"
    assert operation.read({"key": "HeartbeatInterval", "value": "60"}).shown()["value"] == "60"


@pytest.mark.parametrize("version", SECOND_VERSIONS)
def test_variables_are_read_under_the_names_that_people_write(version: str) -> None:
    play = Play(version, "get-variables", {"variables": ["OCPPCommCtrlr.HeartbeatInterval", "Connector#1.1.State"]})
    component = {"name": "OCPPCommCtrlr"}
    result = {"component": component, "variable": {"name": "HeartbeatInterval"}, "attributeStatus": "Accepted"}
    play.answer({"getVariableResult": [result | {"attributeValue": "300"}, {"attributeStatus": "UnknownComponent"}]})
    assert play.end.result == VariablesResult(
        variables=(
            VariableValue(variable="OCPPCommCtrlr.HeartbeatInterval", status="Accepted", value="300"),
            VariableValue(variable="?.?", status="UnknownComponent"),
        )
    )


@pytest.mark.parametrize("version", SECOND_VERSIONS)
def test_a_variable_is_set(version: str) -> None:
    given = {"variable": "OCPPCommCtrlr.HeartbeatInterval", "value": "60"}
    play = Play(version, "set-variable", given)
    assert play.answer({"setVariableResult": [{"attributeStatus": "Accepted"}]}).end.state is State.SUCCEEDED
    play = Play(version, "set-variable", given).answer({"setVariableResult": []})
    assert play.end.state is State.DECLINED
    play = Play(version, "set-variable", given).answer({"setVariableResult": [{"attributeStatus": "RebootRequired"}]})
    assert play.told == ["accepted: it counts after the next reset"]


def part(number: int, *, more: bool, request_id: int = 7) -> Heard:
    """Return one part of a report."""
    variable = {"component": {"name": "C"}, "variable": {"name": f"V{number}"}}
    attributes = [{"value": str(number), "mutability": "ReadOnly"}, {"type": "Target", "value": "9"}]
    data = [variable | {"variableAttribute": attributes}]
    return Heard("NotifyReport", {"requestId": request_id, "seqNo": number, "tbc": more, "reportData": data})


@pytest.mark.parametrize("version", SECOND_VERSIONS)
def test_a_report_is_put_together_from_its_own_parts(version: str) -> None:
    play = Play(version, "report", {"base": "full"}).answer({"status": "Accepted"})
    assert play.last == {"requestId": 7, "reportBase": "FullInventory"}
    play.happens(part(1, more=True), part(9, more=False, request_id=8), part(2, more=False))
    assert play.end.result is not None
    values = play.end.result.variables  # type: ignore[attr-defined]
    assert [value.variable for value in values] == ["C.V1", "C.V1 (Target)", "C.V2", "C.V2 (Target)"]


def test_a_report_that_breaks_off_or_is_empty_says_so() -> None:
    play = Play("ocpp2.1", "report").answer({"status": "Accepted"}).happens(part(1, more=True), Left())
    assert play.end.reason == "the charging station left after part 1 of its report"
    play = Play("ocpp2.1", "report", {"within_s": 5}).answer({"status": "Accepted"}).happens(TimedOut(), after_s=5)
    assert play.end.state is State.FAILED
    assert Play("ocpp2.1", "report").answer({"status": "EmptyResultSet"}).end.state is State.SUCCEEDED


def test_every_wrong_parameter_is_told_at_once() -> None:
    operation = Play("ocpp2.1", "report").operation
    with pytest.raises(FwdctlError, match=r"report: base: .*; there is no parameter bass"):
        operation.read({"base": "none", "bass": 1})
    with pytest.raises(FwdctlError, match="variables is missing"):
        Play("ocpp2.1", "get-variables")
    with pytest.raises(FwdctlError, match=r"'Nothing' is no variable"):
        Play("ocpp2.1", "get-variables", {"variables": ["Nothing"]})


def test_what_would_lock_the_station_out_is_never_sent() -> None:
    with pytest.raises(BadOrder, match="lock it out"):
        Play("ocpp1.6", "set-config", {"key": "AuthorizationKey", "value": "x"})
    with pytest.raises(BadOrder, match="lock it out"):
        Play("ocpp2.1", "set-variable", {"variable": "SecurityCtrlr.BasicAuthPassword", "value": "x"})
