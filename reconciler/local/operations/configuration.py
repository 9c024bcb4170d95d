"""Configuration: keys of OCPP 1.6, variables and reports of 2.x. Values of secret settings are hidden in results."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from reconciler.local.operations.course import (
    BadOrder,
    Course,
    Declined,
    Failed,
    Heard,
    Left,
    Listen,
    Payload,
    Say,
    TimedOut,
    ask,
    ask_for,
    text,
)
from reconciler.local.operations.model import Parameters, Result
from reconciler.local.operations.operation import Operation, Order, only_2, only_16
from reconciler.local.operations.secrecy import is_own_leg, shown
from reconciler.local.operations.variables import Variable, VariableName

# -- 1.6 -------------------------------------------------------------------------------------------------------

Key = Annotated[str, Field(min_length=1, max_length=50)]


class GetConfigParameters(Parameters):
    """Which keys to read."""

    keys: tuple[Key, ...] = ()
    """All of them without any."""


class ConfigKey(Result):
    """One configuration key; `value` is null where the station keeps it to itself."""

    key: str
    value: str | None = None
    readonly: bool = False


class ConfigResult(Result):
    """The keys as they are."""

    keys: tuple[ConfigKey, ...] = ()
    unknown: tuple[str, ...] = ()
    """Keys that were asked for and that the station does not know."""


def get_config(order: Order) -> Course:
    """Read configuration keys."""
    wanted: GetConfigParameters = order.parameters
    answer = yield from ask("GetConfiguration", {"key": list(wanted.keys)} if wanted.keys else {})
    rows = (row for row in _items(answer, "configurationKey") if text(row, "key"))
    unknown = answer.get("unknownKey")
    return ConfigResult(
        keys=tuple(
            ConfigKey(
                key=text(row, "key"),
                value=shown(text(row, "key"), _value(row, "value")),
                readonly=row.get("readonly") is True,
            )
            for row in rows
        ),
        unknown=tuple(str(key) for key in unknown) if isinstance(unknown, list) else (),
    )


class SetConfigParameters(Parameters):
    """What to set."""

    key: Key
    """The configuration key."""
    value: str = Field(max_length=500)
    """Its new value."""

    def shown(self) -> dict[str, Any]:
        """See Parameters."""
        return super().shown() | {"value": shown(self.key, self.value)}


def set_config(order: Order) -> Course:
    """Set a configuration key."""
    wanted: SetConfigParameters = order.parameters
    _refuse_own_leg(wanted.key)
    payload = {"key": wanted.key, "value": wanted.value}
    answer = yield from ask_for("ChangeConfiguration", payload, "Accepted", "RebootRequired")
    if text(answer, "status") == "RebootRequired":
        yield Say("accepted: it counts after the next reset")
    return Result(status=text(answer, "status"))


# -- 2.x -------------------------------------------------------------------------------------------------------

Attribute = Literal["Actual", "Target", "MinSet", "MaxSet"]


class GetVariablesParameters(Parameters):
    """Which variables to read."""

    variables: tuple[VariableName, ...] = Field(min_length=1, max_length=50)
    """Component.Variable, either with an instance in brackets; #2 or #2.1 after the component is its EVSE."""
    attribute: Attribute = "Actual"
    """Which of a variable's values."""


class VariableValue(Result):
    """One variable; `status` is the station's word on it."""

    variable: str
    value: str | None = None
    mutability: str = ""


class VariablesResult(Result):
    """The variables as they are."""

    variables: tuple[VariableValue, ...] = ()


def get_variables(order: Order) -> Course:
    """Read variables."""
    wanted: GetVariablesParameters = order.parameters
    asked = [Variable.parse(name).to_ocpp() | {"attributeType": wanted.attribute} for name in wanted.variables]
    answer = yield from ask("GetVariables", {"getVariableData": asked})
    return VariablesResult(variables=tuple(_variable_values(_items(answer, "getVariableResult"))))


def _variable_values(rows: list[Payload]) -> list[VariableValue]:
    values = []
    for row in rows:
        name = str(Variable.from_ocpp(row))
        value = shown(name, _value(row, "attributeValue"))
        values.append(VariableValue(variable=name, status=text(row, "attributeStatus"), value=value))
    return values


class SetVariableParameters(Parameters):
    """What to set."""

    variable: VariableName
    """Component.Variable, as for get-variables."""
    value: str = Field(max_length=2500)
    """Its new value."""
    attribute: Attribute = "Actual"
    """Which of the variable's values."""

    def shown(self) -> dict[str, Any]:
        """See Parameters."""
        return super().shown() | {"value": shown(self.variable, self.value)}


def set_variable(order: Order) -> Course:
    """Set a variable."""
    wanted: SetVariableParameters = order.parameters
    _refuse_own_leg(wanted.variable)
    item = Variable.parse(wanted.variable).to_ocpp()
    item |= {"attributeType": wanted.attribute, "attributeValue": wanted.value}
    answer = yield from ask("SetVariables", {"setVariableData": [item]})
    rows = _items(answer, "setVariableResult")
    status = text(rows[0], "attributeStatus") if rows else ""
    if status not in ("Accepted", "RebootRequired"):
        raise Declined(f"the charging station answered SetVariables with {status or 'no status'}")
    if status == "RebootRequired":
        yield Say("accepted: it counts after the next reset")
    return Result(status=status)


class ReportParameters(Parameters):
    """Which report to fetch."""

    base: Literal["configuration", "full", "summary"] = "configuration"
    """What can be set, everything, or a summary."""
    within_s: float = Field(default=120, gt=0, le=3600)
    """How long to wait for the next part of it."""


_BASES: Final = {"configuration": "ConfigurationInventory", "full": "FullInventory", "summary": "SummaryInventory"}


def report(order: Order) -> Course:
    """Fetch a base report: the station sends it in parts, each with this job's number."""
    wanted: ReportParameters = order.parameters
    payload = {"requestId": order.request_id, "reportBase": _BASES[wanted.base]}
    answer = yield from ask_for("GetBaseReport", payload, "Accepted", "EmptyResultSet")
    status = text(answer, "status")
    values: list[VariableValue] = []
    parts = 0
    while status == "Accepted":
        happened = yield Listen(wanted.within_s)
        if isinstance(happened, Heard) and _is_part(happened, order.request_id):
            parts += 1
            values += [value for row in _items(happened.payload, "reportData") for value in _reported(row)]
            yield Say(f"part {parts}: {len(values)} values so far")
            if happened.payload.get("tbc") is not True:
                break
        elif isinstance(happened, Left):
            raise Failed(f"the charging station left after part {parts} of its report")
        elif isinstance(happened, TimedOut):
            raise Failed(f"no further part of the report within {wanted.within_s:g} s, after {parts}")
    return VariablesResult(status=status, variables=tuple(values))


def _is_part(heard: Heard, request_id: int) -> bool:
    return heard.action == "NotifyReport" and heard.payload.get("requestId") == request_id


def _reported(row: Payload) -> list[VariableValue]:
    name = str(Variable.from_ocpp(row))
    values = []
    for attribute in _items(row, "variableAttribute"):
        kind = text(attribute, "type") or "Actual"
        named = name if kind == "Actual" else f"{name} ({kind})"
        value = shown(name, _value(attribute, "value"))
        values.append(VariableValue(variable=named, value=value, mutability=text(attribute, "mutability")))
    return values


def _refuse_own_leg(name: str) -> None:
    if is_own_leg(name):
        raise BadOrder(f"{name} is how the charging station connects to this relay: set alone it would lock it out")


def _items(payload: Payload, name: str) -> list[Payload]:
    """Return the objects in a list of a payload; none where it is no list."""
    items = payload.get(name)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _value(row: Payload, name: str) -> str | None:
    """Return a value as text, also where a station writes a number; None where there is none."""
    value: Any = row.get(name)
    return None if value is None else value if isinstance(value, str) else str(value)


OPERATIONS: Final = (
    Operation(
        "get-config",
        "read configuration keys",
        "provisioning",
        only_16("GetConfiguration"),
        GetConfigParameters,
        ConfigResult,
        get_config,
        read_only=True,
    ),
    Operation(
        "set-config",
        "set a configuration key",
        "provisioning",
        only_16("ChangeConfiguration"),
        SetConfigParameters,
        Result,
        set_config,
    ),
    Operation(
        "get-variables",
        "read variables",
        "provisioning",
        only_2("GetVariables"),
        GetVariablesParameters,
        VariablesResult,
        get_variables,
        read_only=True,
    ),
    Operation(
        "set-variable",
        "set a variable",
        "provisioning",
        only_2("SetVariables"),
        SetVariableParameters,
        Result,
        set_variable,
    ),
    Operation(
        "report",
        "fetch a report of variables",
        "provisioning",
        only_2("GetBaseReport"),
        ReportParameters,
        VariablesResult,
        report,
        read_only=True,
    ),
)
