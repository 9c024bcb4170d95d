"""What the ends of each OCPP version say to each other in these tests: payloads, answers, commands."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

NOW = "2026-12-01T02:00:00Z"
ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}
BOOTED = {"currentTime": NOW, "interval": 300, "status": "Accepted"}
TOKEN = {"idToken": "TAG", "type": "ISO14443"}
HEARTBEAT_INTERVAL = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}

Said = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Command:
    """A command, how the station answers it, and how the relay refuses it; `refused` None: with SecurityError."""

    action: str
    payload: dict[str, Any]
    obeyed: dict[str, Any]
    refused: dict[str, Any] | None


class Words(ABC):
    """One version's words. `settling` is what a station says before it charges."""

    version: str
    settling: tuple[Said, ...]
    commands: tuple[Command, ...]
    stopping: str

    @abstractmethod
    def csms(self, first_transaction_id: int) -> dict[str, Any]:
        """Return a CSMS's answers by action."""

    def station(self) -> dict[str, Any]:
        """Return a station's answers by action."""
        return {command.action: command.obeyed for command in self.commands} | {self.stopping: ACCEPTED}

    @abstractmethod
    def start(self) -> Said:
        """Return the beginning of a transaction."""

    @abstractmethod
    def named(self, started: dict[str, Any]) -> Any:
        """Return the transaction's id, given the answer to its beginning."""

    @abstractmethod
    def meter(self, transaction: Any, wh: int) -> Said:
        """Return a report of the register."""

    @abstractmethod
    def stop(self, transaction: Any, wh: int) -> Said:
        """Return the end of a transaction."""

    def stop_command(self, transaction: Any) -> Said:
        """Return the command to end it."""
        return self.stopping, {"transactionId": transaction}


class Words16(Words):
    """OCPP 1.6."""

    version = "ocpp1.6"
    stopping = "RemoteStopTransaction"
    settling = (
        ("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m", "chargePointSerialNumber": "s"}),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        ("Heartbeat", {}),
        ("Authorize", {"idTag": "TAG"}),
    )
    commands: tuple[Command, ...] = (
        Command("ChangeAvailability", {"connectorId": 1, "type": "Operative"}, ACCEPTED, REJECTED),
        Command("RemoteStartTransaction", {"idTag": "TAG", "connectorId": 1}, ACCEPTED, REJECTED),
        Command("UnlockConnector", {"connectorId": 1}, {"status": "Unlocked"}, {"status": "NotSupported"}),
        Command(
            "GetConfiguration",
            {"key": ["HeartbeatInterval"]},
            {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]},
            None,
        ),
        Command("TriggerMessage", {"requestedMessage": "Heartbeat"}, ACCEPTED, REJECTED),
    )

    def csms(self, first_transaction_id: int) -> dict[str, Any]:
        """Return a CSMS's answers by action."""
        return {
            "BootNotification": BOOTED,
            "StatusNotification": {},
            "Heartbeat": {"currentTime": NOW},
            "Authorize": {"idTagInfo": ACCEPTED},
            "StartTransaction": {"transactionId": first_transaction_id, "idTagInfo": ACCEPTED},
            "MeterValues": {},
            "StopTransaction": {"idTagInfo": ACCEPTED},
        }

    def start(self) -> Said:
        """Return the beginning of a transaction."""
        return "StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": 10, "timestamp": NOW}

    def named(self, started: dict[str, Any]) -> Any:
        """Return the id that the owner gave it."""
        return started["transactionId"]

    def meter(self, transaction: Any, wh: int) -> Said:
        """Return a report of the register."""
        sample = {"timestamp": NOW, "sampledValue": [{"value": str(wh), "unit": "Wh", "context": "Sample.Periodic"}]}
        return "MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": [sample]}

    def stop(self, transaction: Any, wh: int) -> Said:
        """Return the end of a transaction."""
        return "StopTransaction", {"transactionId": transaction, "meterStop": wh, "timestamp": NOW, "reason": "Remote"}


class Words2(Words):
    """OCPP 2.0.1 and 2.1."""

    stopping = "RequestStopTransaction"
    settling = (
        ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "v", "model": "m"}}),
        ("StatusNotification", {"timestamp": NOW, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}),
        ("Heartbeat", {}),
        ("Authorize", {"idToken": TOKEN}),
    )
    commands: tuple[Command, ...] = (
        Command("ChangeAvailability", {"operationalStatus": "Operative"}, ACCEPTED, REJECTED),
        Command("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 7, "evseId": 1}, ACCEPTED, REJECTED),
        Command("UnlockConnector", {"evseId": 1, "connectorId": 1}, {"status": "Unlocked"}, {"status": "UnlockFailed"}),
        Command(
            "GetVariables",
            {"getVariableData": [HEARTBEAT_INTERVAL]},
            {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": "300", **HEARTBEAT_INTERVAL}]},
            {"getVariableResult": [{"attributeStatus": "Rejected", **HEARTBEAT_INTERVAL}]},
        ),
        Command("TriggerMessage", {"requestedMessage": "Heartbeat"}, ACCEPTED, REJECTED),
    )

    def __init__(self, version: str, *more: Command) -> None:
        self.version = version
        self.commands = (*self.commands, *more)

    def csms(self, first_transaction_id: int) -> dict[str, Any]:
        """Return a CSMS's answers by action; the station mints the transaction's id."""
        return {
            "BootNotification": BOOTED,
            "StatusNotification": {},
            "Heartbeat": {"currentTime": NOW},
            "Authorize": {"idTokenInfo": ACCEPTED},
            "TransactionEvent": {"idTokenInfo": ACCEPTED},
            "MeterValues": {},
        }

    def start(self) -> Said:
        """Return the beginning of a transaction."""
        return _event("Started", "CablePluggedIn", 10, evse={"id": 1, "connectorId": 1}, idToken=TOKEN)

    def named(self, started: dict[str, Any]) -> Any:
        """Return the station's own id."""
        return "tx-0001"

    def meter(self, transaction: Any, wh: int) -> Said:
        """Return a report of the register."""
        return _event("Updated", "MeterValuePeriodic", wh)

    def stop(self, transaction: Any, wh: int) -> Said:
        """Return the end of a transaction."""
        return _event("Ended", "RemoteStop", wh)


def _event(kind: str, reason: str, wh: int, **more: Any) -> Said:
    return "TransactionEvent", {
        "eventType": kind,
        "timestamp": NOW,
        "triggerReason": reason,
        "seqNo": wh,
        "transactionInfo": {"transactionId": "tx-0001"},
        "meterValue": [{"timestamp": NOW, "sampledValue": [{"value": wh + 0.5, "context": "Sample.Periodic"}]}],
        **more,
    }


_TARIFFS = Command("GetTariffs", {"evseId": 1}, {"status": "NoTariff"}, REJECTED)

WORDS: dict[str, Words] = {
    words.version: words for words in (Words16(), Words2("ocpp2.0.1"), Words2("ocpp2.1", _TARIFFS))
}
