"""How `local` answers a charging station: every CALL of every version gets a schema-valid answer.

Decisions it may not take alone it declines: energy transfer is not negotiated, certificates are signed only where the
server has somebody who does it, vendor messages are unknown (facts: ocpp.md 3.7). Whether an id token may charge is the
back-end's `authorize` setting.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from reconciler.model.desired import LocalAnswers

Payload = Mapping[str, Any]

UNKNOWN_TOKEN: Final = {"ocpp1.6": "Invalid", "ocpp2.0.1": "Unknown", "ocpp2.1": "Unknown"}


class Asked(msgspec.Struct, frozen=True):
    """A station's CALL and all that an answer may depend on."""

    version: str
    payload: Payload
    now: datetime
    settings: LocalAnswers
    known: Callable[[str], bool]
    """Was this id token accepted by an owner lately?"""
    next_transaction_id: Callable[[], int]
    signs: Callable[[Payload], bool] = lambda payload: False
    """Will a certificate be made for this request? Asked once, for then it is."""


def id_token(payload: Payload) -> str | None:
    """Return the id token that a CALL of any version carries, or None."""
    token = payload.get("idTag")
    if token is None and isinstance(payload.get("idToken"), Mapping):
        token = payload["idToken"].get("idToken")
    return token if isinstance(token, str) else None


def _time(asked: Asked) -> str:
    return asked.now.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _token_status(asked: Asked) -> str:
    token = id_token(asked.payload)
    setting = asked.settings.authorize
    if setting == "accept" or (setting == "known" and token is not None and asked.known(token)):
        return "Accepted"
    return UNKNOWN_TOKEN[asked.version]


def _nothing(asked: Asked) -> Payload:
    return {}


def _rejected(asked: Asked) -> Payload:
    return {"status": "Rejected"}


def _sign_certificate(asked: Asked) -> Payload:
    return {"status": "Accepted" if asked.signs(asked.payload) else "Rejected"}


def _failed(asked: Asked) -> Payload:
    return {"status": "Failed"}


def _boot(asked: Asked) -> Payload:
    return {
        "currentTime": _time(asked),
        "interval": round(asked.settings.heartbeat_interval_s),
        "status": "Accepted",
    }


def _heartbeat(asked: Asked) -> Payload:
    return {"currentTime": _time(asked)}


def _authorize(asked: Asked) -> Payload:
    field = "idTagInfo" if asked.version == "ocpp1.6" else "idTokenInfo"
    return {field: {"status": _token_status(asked)}}


def _start_transaction(asked: Asked) -> Payload:
    return {"transactionId": asked.next_transaction_id(), "idTagInfo": {"status": _token_status(asked)}}


def _stop_transaction(asked: Asked) -> Payload:
    # A transaction always ends; the token that ended it is not judged again.
    return {"idTagInfo": {"status": "Accepted"}} if "idTag" in asked.payload else {}


def _transaction_event(asked: Asked) -> Payload:
    return {"idTokenInfo": {"status": _token_status(asked)}} if "idToken" in asked.payload else {}


def _vendor_message(asked: Asked) -> Payload:
    return {"status": "UnknownVendorId"}


def _ev_certificate(asked: Asked) -> Payload:
    return {"status": "Failed", "exiResponse": ""}


def _certificate_chain(asked: Asked) -> Payload:
    requests = asked.payload.get("certificateStatusRequests")
    return {
        "certificateStatus": [
            {
                "certificateHashData": request.get("certificateHashData"),
                "source": request.get("source"),
                "status": "Failed",
                "nextUpdate": _time(asked),
            }
            for request in (requests if isinstance(requests, list) else ())
            if isinstance(request, Mapping)
        ]
    }


def _vat_number(asked: Asked) -> Payload:
    return {"vatNumber": str(asked.payload.get("vatNumber", "")), "status": "Rejected"}


_COMMON: Final[Mapping[str, Callable[[Asked], Payload]]] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "DataTransfer": _vendor_message,
    "FirmwareStatusNotification": _nothing,
    "Heartbeat": _heartbeat,
    "LogStatusNotification": _nothing,
    "MeterValues": _nothing,
    "SecurityEventNotification": _nothing,
    "SignCertificate": _sign_certificate,
    "StatusNotification": _nothing,
}
_V16: Final = {
    **_COMMON,
    "DiagnosticsStatusNotification": _nothing,
    "SignedFirmwareStatusNotification": _nothing,
    "StartTransaction": _start_transaction,
    "StopTransaction": _stop_transaction,
}
_V201: Final = {
    **_COMMON,
    "ClearedChargingLimit": _nothing,
    "Get15118EVCertificate": _ev_certificate,
    "GetCertificateStatus": _failed,
    "NotifyChargingLimit": _nothing,
    "NotifyCustomerInformation": _nothing,
    "NotifyDisplayMessages": _nothing,
    "NotifyEVChargingNeeds": _rejected,
    "NotifyEVChargingSchedule": _rejected,
    "NotifyEvent": _nothing,
    "NotifyMonitoringReport": _nothing,
    "NotifyReport": _nothing,
    "PublishFirmwareStatusNotification": _nothing,
    "ReportChargingProfiles": _nothing,
    "ReservationStatusUpdate": _nothing,
    "TransactionEvent": _transaction_event,
}
_V21: Final = {
    **_V201,
    "BatterySwap": _nothing,
    "ClosePeriodicEventStream": _nothing,
    "GetCertificateChainStatus": _certificate_chain,
    "NotifyDERAlarm": _nothing,
    "NotifyDERStartStop": _nothing,
    "NotifyPriorityCharging": _nothing,
    "NotifySettlement": _nothing,
    "OpenPeriodicEventStream": _rejected,
    "PullDynamicScheduleUpdate": _rejected,
    "ReportDERControl": _nothing,
    "VatNumberValidation": _vat_number,
}
ANSWERS: Final[Mapping[str, Mapping[str, Callable[[Asked], Payload]]]] = {
    "ocpp1.6": _V16,
    "ocpp2.0.1": _V201,
    "ocpp2.1": _V21,
}
"""Subprotocol -> action -> how `local` answers it."""
