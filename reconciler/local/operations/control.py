"""Control: reset, unlock, availability, trigger, remote start and stop, clear cache."""

from collections.abc import Generator, Mapping
from typing import Any, Final, Literal

from pydantic import Field

from reconciler.local.operations.course import (
    BadOrder,
    Course,
    Failed,
    Heard,
    Left,
    Listen,
    Payload,
    Say,
    Step,
    TimedOut,
    ask,
    ask_for,
    text,
)
from reconciler.local.operations.model import Connector, EvseConnector, NoParameters, Parameters, Result, TokenType
from reconciler.local.operations.operation import Operation, Order, every_version

BOOT: Final = "BootNotification"


# -- reset -----------------------------------------------------------------------------------------------------


class ResetParameters(Parameters):
    """How to restart."""

    type: Literal["soft", "hard", "on-idle"] = "soft"
    """soft: in good order (2.x: once idle); hard: at once; on-idle: once no transaction runs (2.x)."""
    evse: Connector | None = None
    """2.x: only this EVSE, which needs no new connection."""
    within_s: float = Field(default=600, gt=0, le=24 * 3600)
    """How long to wait until the charging station is back."""


class ResetResult(Result):
    """What the restart was."""

    restarted: bool = False
    """Did it leave, come back, and boot while we waited?"""
    firmware: str = ""
    """As it booted with."""


_RESET: Final = {
    "ocpp1.6": {"soft": "Soft", "hard": "Hard"},
    "ocpp2.0.1": {"soft": "OnIdle", "hard": "Immediate", "on-idle": "OnIdle"},
    "ocpp2.1": {"soft": "OnIdle", "hard": "Immediate", "on-idle": "OnIdle"},
}


def reset(order: Order) -> Course:
    """Restart the station, and wait until it is back and has booted."""
    wanted: ResetParameters = order.parameters
    how = _RESET[order.version].get(wanted.type)
    if how is None:
        raise BadOrder(f"OCPP 1.6 has no reset of type {wanted.type}; soft waits for transactions to end in good order")
    if wanted.evse is not None and order.is_16:
        raise BadOrder("OCPP 1.6 can't reset a connector alone; leave evse away")
    part = {} if wanted.evse is None else {"evseId": wanted.evse}
    answer = yield from ask_for("Reset", {"type": how} | part, "Accepted", "Scheduled")
    status = text(answer, "status")
    if wanted.evse is not None:
        return ResetResult(status=status)
    waits = "accepted: it restarts" if status == "Accepted" else "scheduled: it restarts once no transaction runs"
    yield Say(waits)
    boot = yield from _until_booted(wanted.within_s, scheduled=status == "Scheduled")
    return ResetResult(status=status, restarted=boot is not None, firmware=firmware_of(boot or {}))


def _until_booted(within_s: float, *, scheduled: bool) -> Generator[Step, Any, Payload | None]:
    """Wait for the boot, with or without a new connection; None where it was only scheduled and has not begun."""
    left = False
    while True:
        happened = yield Listen(within_s)
        match happened:
            case Left():
                left = True
                yield Say("the charging station left")
            case Heard(action=action, payload=payload) if action == BOOT:
                yield Say(f"the charging station is back{_with_firmware(payload)}")
                return payload
            case TimedOut() if scheduled and not left:
                return None
            case TimedOut():
                what = "has not come back" if left else "did not restart"
                raise Failed(f"the charging station {what} within {within_s:g} s")


def firmware_of(boot: Payload) -> str:
    """Return the firmware version in a BootNotification of any version, "" where it has none."""
    station = boot.get("chargingStation")
    return text(station if isinstance(station, Mapping) else boot, "firmwareVersion")


def _with_firmware(boot: Payload) -> str:
    firmware = firmware_of(boot)
    return f", firmware {firmware}" if firmware else ""


# -- unlock, availability --------------------------------------------------------------------------------------


class UnlockParameters(Parameters):
    """What to unlock."""

    connector: Connector = 1
    """1.6: the connector; 2.x: the EVSE."""
    evse_connector: EvseConnector = 1
    """2.x: the connector of that EVSE."""


def unlock(order: Order) -> Course:
    """Unlock a connector."""
    wanted: UnlockParameters = order.parameters
    payload = (
        {"connectorId": wanted.connector}
        if order.is_16
        else {"evseId": wanted.connector, "connectorId": wanted.evse_connector}
    )
    answer = yield from ask_for("UnlockConnector", payload, "Unlocked")
    return Result(status=text(answer, "status"))


class AvailabilityParameters(Parameters):
    """What is to be in operation or out of it."""

    state: Literal["operative", "inoperative"]
    """In operation, or out of it."""
    connector: Connector = 0
    """1.6: the connector; 2.x: the EVSE; 0 is the whole charging station."""


def availability(order: Order) -> Course:
    """Put a connector, or the whole station, into or out of operation."""
    wanted: AvailabilityParameters = order.parameters
    state = wanted.state.capitalize()
    payload: dict[str, Any] = {"operationalStatus": state}
    if order.is_16:
        payload = {"connectorId": wanted.connector, "type": state}
    elif wanted.connector:
        payload["evse"] = {"id": wanted.connector}
    answer = yield from ask_for("ChangeAvailability", payload, "Accepted", "Scheduled")
    if text(answer, "status") == "Scheduled":
        yield Say("scheduled: once the running transaction has ended")
    return Result(status=text(answer, "status"))


# -- trigger ---------------------------------------------------------------------------------------------------

Message = Literal[
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SignV2GCertificate",
    "StatusNotification",
    "TransactionEvent",
]
_TRIGGERS_16: Final = frozenset(
    {
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    }
)
_EXTENDED_16: Final = frozenset({"LogStatusNotification"})
_ONLY_16: Final = frozenset({"DiagnosticsStatusNotification"})


class TriggerParameters(Parameters):
    """Which message the station is to send."""

    message: Message
    """As OCPP names it."""
    connector: Connector | None = None
    """1.6: the connector it is about; 2.x: the EVSE."""
    within_s: float = Field(default=10, gt=0, le=600)
    """How long to wait for the message."""


class TriggerResult(Result):
    """What the trigger brought."""

    received: bool = False
    """Was the message heard here? A message that another back-end alone answers is not."""
    payload: dict[str, Any] = Field(default_factory=dict)
    """The message."""


def trigger(order: Order) -> Course:
    """Have the station send a message, and wait for it."""
    wanted: TriggerParameters = order.parameters
    action = _trigger_action(order, wanted.message)
    payload: dict[str, Any] = {"requestedMessage": wanted.message}
    if wanted.connector is not None:
        payload |= {"connectorId": wanted.connector} if order.is_16 else {"evse": {"id": wanted.connector}}
    answer = yield from ask_for(action, payload, "Accepted")
    status = text(answer, "status")
    while True:
        happened = yield Listen(wanted.within_s)
        if isinstance(happened, Heard) and happened.action == wanted.message:
            return TriggerResult(status=status, received=True, payload=dict(happened.payload))
        if isinstance(happened, Left):
            raise Failed("the charging station left before it sent the message")
        if isinstance(happened, TimedOut):
            return TriggerResult(status=status)


def _trigger_action(order: Order, message: str) -> str:
    if order.is_16 and message in _EXTENDED_16:
        return "ExtendedTriggerMessage"
    if message not in _TRIGGERS_16 if order.is_16 else message in _ONLY_16:
        raise BadOrder(f"{message} can't be triggered in {order.version}")
    return "TriggerMessage"


# -- remote start and stop, cache ------------------------------------------------------------------------------


class RemoteStartParameters(Parameters):
    """Whom to let charge, and where."""

    id_tag: str = Field(min_length=1, max_length=36)
    """The id token to charge with."""
    connector: Connector | None = None
    """1.6: the connector; 2.x: the EVSE. Any that is free without it."""
    token_type: TokenType = "Central"
    """2.x: what kind of token it is."""


class RemoteStartResult(Result):
    """What the start was."""

    transaction: str = ""
    """2.x: the transaction that runs already, where the station names one."""


def remote_start(order: Order) -> Course:
    """Ask the station to start a transaction."""
    wanted: RemoteStartParameters = order.parameters
    if order.is_16:
        if len(wanted.id_tag) > 20:
            raise BadOrder("an id token of OCPP 1.6 has at most 20 characters")
        where = {} if wanted.connector is None else {"connectorId": wanted.connector}
        answer = yield from ask_for("RemoteStartTransaction", {"idTag": wanted.id_tag} | where, "Accepted")
        return RemoteStartResult(status=text(answer, "status"))
    payload = {
        "idToken": {"idToken": wanted.id_tag, "type": wanted.token_type},
        "remoteStartId": order.request_id,
    } | ({} if wanted.connector is None else {"evseId": wanted.connector})
    answer = yield from ask_for("RequestStartTransaction", payload, "Accepted")
    return RemoteStartResult(status=text(answer, "status"), transaction=text(answer, "transactionId"))


class RemoteStopParameters(Parameters):
    """Which transaction to end."""

    transaction: str = Field(default="", max_length=36)
    """Its id as fwdctl status shows it; not needed where only one runs."""


def remote_stop(order: Order) -> Course:
    """Ask the station to end a transaction; `facts["transaction"]` is its id as `local` has it."""
    ours = order.facts.get("transaction", "")
    if not ours:
        raise BadOrder("which transaction? Not exactly one runs: fwdctl status charger.NAME has their ids")
    if order.is_16:
        if not ours.lstrip("-").isdigit():
            raise BadOrder(f"{ours!r} is no transaction id of OCPP 1.6, which are whole numbers")
        answer = yield from ask_for("RemoteStopTransaction", {"transactionId": int(ours)}, "Accepted")
    else:
        answer = yield from ask_for("RequestStopTransaction", {"transactionId": ours}, "Accepted")
    return Result(status=text(answer, "status"))


def clear_cache(order: Order) -> Course:
    """Clear the station's authorization cache."""
    answer = yield from ask("ClearCache", {})
    if text(answer, "status") != "Accepted":
        raise Failed("the charging station has no cache, or could not clear it")
    return Result(status="Accepted")


OPERATIONS: Final = (
    Operation(
        "reset",
        "restart the charging station",
        "provisioning",
        every_version("Reset"),
        ResetParameters,
        ResetResult,
        reset,
    ),
    Operation(
        "unlock",
        "unlock a connector",
        "remote-control",
        every_version("UnlockConnector"),
        UnlockParameters,
        Result,
        unlock,
    ),
    Operation(
        "availability",
        "put a connector or the whole charging station into or out of operation",
        "availability",
        every_version("ChangeAvailability"),
        AvailabilityParameters,
        Result,
        availability,
    ),
    Operation(
        "trigger",
        "have a message sent now",
        "remote-control",
        every_version("TriggerMessage") | {"ocpp1.6": ("TriggerMessage", "ExtendedTriggerMessage")},
        TriggerParameters,
        TriggerResult,
        trigger,
    ),
    Operation(
        "remote-start",
        "start a transaction",
        "remote-control",
        every_version("RequestStartTransaction") | {"ocpp1.6": ("RemoteStartTransaction",)},
        RemoteStartParameters,
        RemoteStartResult,
        remote_start,
    ),
    Operation(
        "remote-stop",
        "end a transaction",
        "remote-control",
        every_version("RequestStopTransaction") | {"ocpp1.6": ("RemoteStopTransaction",)},
        RemoteStopParameters,
        Result,
        remote_stop,
    ),
    Operation(
        "clear-cache",
        "clear the authorization cache",
        "authorization",
        every_version("ClearCache"),
        NoParameters,
        Result,
        clear_cache,
    ),
)
