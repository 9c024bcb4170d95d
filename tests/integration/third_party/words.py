"""What the ends of each OCPP version say to each other in these tests: payloads, answers, commands."""

from dataclasses import dataclass
from typing import Any

NOW = "2026-12-01T02:00:00Z"
ACCEPTED = {"status": "Accepted"}
BOOTED = {"currentTime": NOW, "interval": 300, "status": "Accepted"}
TOKEN = {"idToken": "TAG", "type": "ISO14443"}
TX = "tx-0001"

Said = tuple[str, dict[str, Any]]


class Words16:
    """OCPP 1.6."""

    version = "ocpp1.6"
    settling: tuple[Said, ...] = (
        ("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m", "chargePointSerialNumber": "s"}),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        ("Heartbeat", {}),
        ("Authorize", {"idTag": "TAG"}),
    )
    start: Said = ("StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": 10, "timestamp": NOW})
    commands: tuple[Said, ...] = (
        ("ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
        ("RemoteStartTransaction", {"idTag": "TAG", "connectorId": 1}),
        ("UnlockConnector", {"connectorId": 1}),
        ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    )
    obeyed: tuple[dict[str, Any], ...] = (
        ACCEPTED,
        ACCEPTED,
        {"status": "Unlocked"},
        {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]},
        ACCEPTED,
    )
    refused: tuple[dict[str, Any] | str, ...] = (
        {"status": "Rejected"},
        {"status": "Rejected"},
        {"status": "NotSupported"},
        "SecurityError",
        {"status": "Rejected"},
    )

    def csms(self, first_transaction_id: int) -> dict[str, Any]:
        """Return a CSMS's answers."""
        token = {"idTagInfo": ACCEPTED}
        return {
            "BootNotification": BOOTED,
            "StatusNotification": {},
            "Heartbeat": {"currentTime": NOW},
            "Authorize": token,
            "StartTransaction": {"transactionId": first_transaction_id, **token},
            "MeterValues": {},
            "StopTransaction": token,
        }

    def station(self) -> dict[str, Any]:
        """Return a station's answers."""
        return dict(zip((action for action, _ in self.commands), self.obeyed, strict=True)) | {
            "RemoteStopTransaction": ACCEPTED
        }

    def transaction_id(self, started: dict[str, Any]) -> Any:
        """Return the id that the CSMS gave."""
        return started["transactionId"]

    def meter(self, transaction: Any, wh: int) -> Said:
        """Return a report of the register."""
        sample = {"timestamp": NOW, "sampledValue": [{"value": str(wh), "unit": "Wh", "context": "Sample.Periodic"}]}
        return "MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": [sample]}

    def stop(self, transaction: Any, wh: int) -> Said:
        """Return the end."""
        return "StopTransaction", {"transactionId": transaction, "meterStop": wh, "timestamp": NOW, "reason": "Remote"}

    def stop_command(self, transaction: Any) -> Said:
        """Return the command to end it."""
        return "RemoteStopTransaction", {"transactionId": transaction}


class Words2:
    """OCPP 2.0.1, and what of it 2.1 kept."""

    version = "ocpp2.0.1"
    settling: tuple[Said, ...] = (
        ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "v", "model": "m"}}),
        (
            "StatusNotification",
            {"timestamp": NOW, "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
        ),
        ("Heartbeat", {}),
        ("Authorize", {"idToken": TOKEN}),
    )
    commands: tuple[Said, ...] = (
        ("ChangeAvailability", {"operationalStatus": "Operative"}),
        ("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 7, "evseId": 1}),
        ("UnlockConnector", {"evseId": 1, "connectorId": 1}),
        (
            "GetVariables",
            {"getVariableData": [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}]},
        ),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    )
    obeyed: tuple[dict[str, Any], ...] = (
        ACCEPTED,
        ACCEPTED,
        {"status": "Unlocked"},
        {
            "getVariableResult": [
                {
                    "attributeStatus": "Accepted",
                    "attributeValue": "300",
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "HeartbeatInterval"},
                }
            ]
        },
        ACCEPTED,
    )

    def __init__(self, version: str) -> None:
        self.version = version

    @property
    def start(self) -> Said:
        """The beginning of a transaction."""
        return self._event("Started", "CablePluggedIn", 10, evse={"id": 1, "connectorId": 1}, idToken=TOKEN)

    def csms(self, first_transaction_id: int) -> dict[str, Any]:
        """Return a CSMS's answers; stations mint the transaction ids."""
        return {
            "BootNotification": BOOTED,
            "StatusNotification": {},
            "Heartbeat": {"currentTime": NOW},
            "Authorize": {"idTokenInfo": ACCEPTED},
            "TransactionEvent": {"idTokenInfo": ACCEPTED},
            "MeterValues": {},
        }

    def station(self) -> dict[str, Any]:
        """Return a station's answers."""
        return dict(zip((action for action, _ in self.commands), self.obeyed, strict=True)) | {
            "RequestStopTransaction": ACCEPTED
        }

    def transaction_id(self, started: dict[str, Any]) -> Any:
        """Return the station's own id."""
        return TX

    def meter(self, transaction: Any, wh: int) -> Said:
        """Return a report of the register."""
        return self._event("Updated", "MeterValuePeriodic", wh)

    def stop(self, transaction: Any, wh: int) -> Said:
        """Return the end."""
        return self._event("Ended", "RemoteStop", wh)

    def stop_command(self, transaction: Any) -> Said:
        """Return the command to end it."""
        return "RequestStopTransaction", {"transactionId": transaction}

    def _event(self, kind: str, reason: str, wh: int, **more: Any) -> Said:
        return "TransactionEvent", {
            "eventType": kind,
            "timestamp": NOW,
            "triggerReason": reason,
            "seqNo": wh,
            "transactionInfo": {"transactionId": TX},
            "meterValue": [{"timestamp": NOW, "sampledValue": [{"value": wh + 0.5, "context": "Sample.Periodic"}]}],
            **more,
        }
