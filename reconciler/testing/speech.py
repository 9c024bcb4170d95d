"""What a station says, in each version's words: payloads out, and the few answers that teach it something."""

import uuid
from typing import Any, Final, Protocol, TypeAlias

from reconciler.testing.station_memory import StationMemory, Transaction

Said: TypeAlias = tuple[str, dict[str, Any]]
"""An action and its payload."""


class Speech(Protocol):
    """The words of one version. `at` is an instant as `timestamp` writes it."""

    def boot(self, memory: StationMemory, reason: str) -> Said:
        """Announce the station; `reason` in the words of 2.x."""

    def authorize(self, tag: str) -> Said:
        """Ask whether a tag may charge."""

    def token_status(self, answer: dict[str, Any]) -> str:
        """Return what an answer says about the tag, "" where it says nothing."""

    def new_transaction_id(self) -> int | str:
        """Return the id a transaction has before the CSMS answered."""

    def started(self, transaction: Transaction, at: str) -> Said:
        """Report the start."""

    def learn_start(self, transaction: Transaction, answer: dict[str, Any]) -> None:
        """Take from the answer what the transaction needs."""

    def metered(self, transaction: Transaction, at: str) -> Said:
        """Report the meter during a transaction."""

    def stopped(self, transaction: Transaction, at: str, reason: str) -> Said:
        """Report the end."""

    def meter_values(self, connector: int, meter_wh: int, at: str, context: str) -> Said:
        """Report a connector's meter outside of any transaction."""

    def status(self, connector: int, status: str, at: str, error: str) -> Said:
        """Report a connector's status, given in the words of 1.6; `error` is 1.6's error code."""


ENERGY: Final = "Energy.Active.Import.Register"
POWER: Final = "Power.Active.Import"


class Speech16:
    """OCPP 1.6."""

    def boot(self, memory: StationMemory, reason: str) -> Said:
        """Return a BootNotification."""
        return "BootNotification", {
            "chargePointVendor": memory.vendor,
            "chargePointModel": memory.model,
            "chargePointSerialNumber": memory.serial,
            "firmwareVersion": memory.firmware,
        }

    def authorize(self, tag: str) -> Said:
        """Return an Authorize."""
        return "Authorize", {"idTag": tag}

    def token_status(self, answer: dict[str, Any]) -> str:
        """Read the tag's status."""
        return str(answer.get("idTagInfo", {}).get("status", ""))

    def new_transaction_id(self) -> int | str:
        """The CSMS numbers transactions; -1 until it did."""
        return -1

    def started(self, transaction: Transaction, at: str) -> Said:
        """Return a StartTransaction."""
        return "StartTransaction", {
            "connectorId": transaction.connector,
            "idTag": transaction.tag,
            "meterStart": transaction.meter_start_wh,
            "timestamp": at,
        }

    def learn_start(self, transaction: Transaction, answer: dict[str, Any]) -> None:
        """Take over the CSMS's number for the transaction."""
        transaction.id = answer["transactionId"]
        transaction.token_status = self.token_status(answer)

    def metered(self, transaction: Transaction, at: str) -> Said:
        """Return a MeterValues with the transaction's id."""
        action, payload = self.meter_values(transaction.connector, transaction.meter_wh, at, "Sample.Periodic")
        if transaction.power_w is not None:
            power = {"value": str(transaction.power_w), "measurand": POWER, "unit": "W"}
            payload["meterValue"][0]["sampledValue"].append(power)
        return action, payload | {"transactionId": transaction.id}

    def stopped(self, transaction: Transaction, at: str, reason: str) -> Said:
        """Return a StopTransaction."""
        return "StopTransaction", {
            "transactionId": transaction.id,
            "idTag": transaction.tag,
            "meterStop": transaction.meter_wh,
            "timestamp": at,
            "reason": reason,
        }

    def meter_values(self, connector: int, meter_wh: int, at: str, context: str) -> Said:
        """Return a MeterValues."""
        sample = {"value": str(meter_wh), "context": context, "measurand": ENERGY, "unit": "Wh"}
        return "MeterValues", {
            "connectorId": connector,
            "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
        }

    def status(self, connector: int, status: str, at: str, error: str) -> Said:
        """Return a StatusNotification."""
        payload = {"connectorId": connector, "errorCode": error, "status": status, "timestamp": at}
        return "StatusNotification", payload


class Speech2:
    """OCPP 2.0.1 and 2.1: an EVSE for each connector. `status_events`: NotifyEvent in place of StatusNotification."""

    def __init__(self, status_events: bool = False) -> None:
        self._status_events = status_events
        self._event_id = 0

    def boot(self, memory: StationMemory, reason: str) -> Said:
        """Return a BootNotification."""
        station = {
            "vendorName": memory.vendor,
            "model": memory.model,
            "serialNumber": memory.serial,
            "firmwareVersion": memory.firmware,
        }
        return "BootNotification", {"reason": reason, "chargingStation": station}

    def authorize(self, tag: str) -> Said:
        """Return an Authorize."""
        return "Authorize", {"idToken": {"idToken": tag, "type": "ISO14443"}}

    def token_status(self, answer: dict[str, Any]) -> str:
        """Read the tag's status."""
        return str(answer.get("idTokenInfo", {}).get("status", ""))

    def new_transaction_id(self) -> int | str:
        """The station names its transactions itself."""
        return str(uuid.uuid4())

    def started(self, transaction: Transaction, at: str) -> Said:
        """Return a TransactionEvent, Started."""
        remote = transaction.remote_start_id
        trigger = "Authorized" if remote is None else "RemoteStart"
        action, payload = self._event("Started", trigger, transaction, at, "Transaction.Begin")
        payload["evse"] = {"id": transaction.connector, "connectorId": 1}
        payload["idToken"] = {"idToken": transaction.tag, "type": transaction.token_type}
        if remote is not None:
            payload["transactionInfo"]["remoteStartId"] = remote
        return action, payload

    def learn_start(self, transaction: Transaction, answer: dict[str, Any]) -> None:
        """Read the tag's status, all there is to learn."""
        transaction.token_status = self.token_status(answer)

    def metered(self, transaction: Transaction, at: str) -> Said:
        """Return a TransactionEvent, Updated."""
        return self._event("Updated", "MeterValuePeriodic", transaction, at, "Sample.Periodic")

    def stopped(self, transaction: Transaction, at: str, reason: str) -> Said:
        """Return a TransactionEvent, Ended."""
        trigger = "RemoteStop" if reason == "Remote" else "StopAuthorized"
        action, payload = self._event("Ended", trigger, transaction, at, "Transaction.End")
        payload["transactionInfo"] = {"transactionId": transaction.id, "stoppedReason": reason}
        return action, payload

    def meter_values(self, connector: int, meter_wh: int, at: str, context: str) -> Said:
        """Return a MeterValues."""
        return "MeterValues", {"evseId": connector, "meterValue": [self._meter(meter_wh, at, context)]}

    def status(self, connector: int, status: str, at: str, error: str) -> Said:
        """Return a StatusNotification, or the NotifyEvent that replaces it in 2.1."""
        words = status if status in ("Available", "Reserved", "Unavailable", "Faulted") else "Occupied"
        if not self._status_events:
            return "StatusNotification", {
                "timestamp": at,
                "connectorStatus": words,
                "evseId": connector,
                "connectorId": 1,
            }
        self._event_id += 1
        event = {
            "eventId": self._event_id,
            "timestamp": at,
            "trigger": "Delta",
            "actualValue": words,
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": connector, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
        }
        return "NotifyEvent", {"generatedAt": at, "seqNo": 0, "eventData": [event]}

    def _event(self, kind: str, trigger: str, transaction: Transaction, at: str, context: str) -> Said:
        payload: dict[str, Any] = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": trigger,
            "seqNo": transaction.seq_no,
            "transactionInfo": {"transactionId": transaction.id, "chargingState": "Charging"},
            "meterValue": [self._meter(transaction.meter_wh, at, context)],
        }
        if transaction.power_w is not None:
            power = {"value": transaction.power_w, "measurand": POWER, "unitOfMeasure": {"unit": "W"}}
            payload["meterValue"][0]["sampledValue"].append(power)
        transaction.seq_no += 1
        return "TransactionEvent", payload

    def _meter(self, meter_wh: int, at: str, context: str) -> dict[str, Any]:
        sample = {"value": meter_wh, "context": context, "measurand": ENERGY, "unitOfMeasure": {"unit": "Wh"}}
        return {"timestamp": at, "sampledValue": [sample]}
