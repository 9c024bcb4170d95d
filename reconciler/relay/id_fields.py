"""Where ids that back-ends choose stand in payloads: version, action, direction, kind of id, path (R9).

"[]" in a path is any element of an array. What the catalogue lists and this table leaves out needs no mapping: ids
that the station mints (2.x transactions, monitors, event streams), places (connectorId, evseId, configurationSlot),
tokens of people (idTag, idToken, parentIdTag, groupIdToken), counters of the station (seqNo), names (vendorId,
messageId). 1.6 transaction ids have rules of their own in `transaction_ids.py`, list versions in `list_version.py`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class IdKind(StrEnum):
    """Ids of different kinds never meet."""

    RESERVATION = "reservation"
    CHARGING_PROFILE = "charging-profile"
    REQUEST = "request"
    REMOTE_START = "remote-start"
    DISPLAY_MESSAGE = "display-message"
    TARIFF = "tariff"
    DER_CONTROL = "der-control"
    BATTERY_SWAP = "battery-swap"


Path = tuple[str, ...]
Fields = tuple[tuple[IdKind, Path], ...]

_R, _P, _Q, _S = IdKind.RESERVATION, IdKind.CHARGING_PROFILE, IdKind.REQUEST, IdKind.REMOTE_START
_M, _T, _D, _B = IdKind.DISPLAY_MESSAGE, IdKind.TARIFF, IdKind.DER_CONTROL, IdKind.BATTERY_SWAP
_REQUEST_ID: Final[Fields] = ((_Q, ("requestId",)),)
_DER_CURVES: Final = (
    "curve",
    "enterService",
    "fixedPFAbsorb",
    "fixedPFInject",
    "fixedVar",
    "freqDroop",
    "gradient",
    "limitMaxDischarge",
)

_COMMANDS_16: Final[Mapping[str, Fields]] = {
    "ReserveNow": ((_R, ("reservationId",)),),
    "CancelReservation": ((_R, ("reservationId",)),),
    "SetChargingProfile": ((_P, ("csChargingProfiles", "chargingProfileId")),),
    "RemoteStartTransaction": ((_P, ("chargingProfile", "chargingProfileId")),),
    "ClearChargingProfile": ((_P, ("id",)),),
    "GetLog": _REQUEST_ID,
    "SignedUpdateFirmware": _REQUEST_ID,
}
_CALLS_16: Final[Mapping[str, Fields]] = {
    "StartTransaction": ((_R, ("reservationId",)),),
    "LogStatusNotification": _REQUEST_ID,
    "SignedFirmwareStatusNotification": _REQUEST_ID,
}
_COMMANDS_201: Final[Mapping[str, Fields]] = {
    "ReserveNow": ((_R, ("id",)),),
    "CancelReservation": ((_R, ("reservationId",)),),
    "SetChargingProfile": ((_P, ("chargingProfile", "id")),),
    "RequestStartTransaction": ((_S, ("remoteStartId",)), (_P, ("chargingProfile", "id"))),
    "ClearChargingProfile": ((_P, ("chargingProfileId",)),),
    "GetChargingProfiles": ((_Q, ("requestId",)), (_P, ("chargingProfile", "chargingProfileId", "[]"))),
    "SetDisplayMessage": ((_M, ("message", "id")),),
    "ClearDisplayMessage": ((_M, ("id",)),),
    "GetDisplayMessages": ((_Q, ("requestId",)), (_M, ("id", "[]"))),
    "CustomerInformation": _REQUEST_ID,
    "GetBaseReport": _REQUEST_ID,
    "GetLog": _REQUEST_ID,
    "GetMonitoringReport": _REQUEST_ID,
    "GetReport": _REQUEST_ID,
    "PublishFirmware": _REQUEST_ID,
    "UpdateFirmware": _REQUEST_ID,
}
_CALLS_201: Final[Mapping[str, Fields]] = {
    "TransactionEvent": ((_S, ("transactionInfo", "remoteStartId")), (_R, ("reservationId",))),
    "ReservationStatusUpdate": ((_R, ("reservationId",)),),
    "ReportChargingProfiles": ((_Q, ("requestId",)), (_P, ("chargingProfile", "[]", "id"))),
    "NotifyDisplayMessages": ((_Q, ("requestId",)), (_M, ("messageInfo", "[]", "id"))),
    "FirmwareStatusNotification": _REQUEST_ID,
    "LogStatusNotification": _REQUEST_ID,
    "NotifyCustomerInformation": _REQUEST_ID,
    "NotifyMonitoringReport": _REQUEST_ID,
    "NotifyReport": _REQUEST_ID,
    "PublishFirmwareStatusNotification": _REQUEST_ID,
}
_COMMANDS_21: Final[Mapping[str, Fields]] = {
    **_COMMANDS_201,
    "UpdateDynamicSchedule": ((_P, ("chargingProfileId",)),),
    "SetDefaultTariff": ((_T, ("tariff", "tariffId")),),
    "ChangeTransactionTariff": ((_T, ("tariff", "tariffId")),),
    "ClearTariffs": ((_T, ("tariffIds", "[]")),),
    "SetDERControl": ((_D, ("controlId",)),),
    "ClearDERControl": ((_D, ("controlId",)),),
    "GetDERControl": ((_Q, ("requestId",)), (_D, ("controlId",))),
    "RequestBatterySwap": ((_B, ("requestId",)),),
}
_CALLS_21: Final[Mapping[str, Fields]] = {
    **_CALLS_201,
    "TransactionEvent": (*_CALLS_201["TransactionEvent"], (_T, ("transactionInfo", "tariffId"))),
    "PullDynamicScheduleUpdate": ((_P, ("chargingProfileId",)),),
    "NotifyDERStartStop": ((_D, ("controlId",)), (_D, ("supersededIds", "[]"))),
    "ReportDERControl": (*_REQUEST_ID, *((_D, (curve, "[]", "id")) for curve in _DER_CURVES)),
    "BatterySwap": ((_B, ("requestId",)),),
}

COMMANDS: Final[Mapping[str, Mapping[str, Fields]]] = {
    "ocpp1.6": _COMMANDS_16,
    "ocpp2.0.1": _COMMANDS_201,
    "ocpp2.1": _COMMANDS_21,
}
"""CALLs of back-ends: subprotocol -> action -> fields."""

CALLS: Final[Mapping[str, Mapping[str, Fields]]] = {
    "ocpp1.6": _CALLS_16,
    "ocpp2.0.1": _CALLS_201,
    "ocpp2.1": _CALLS_21,
}
"""CALLs of the station."""

COMMAND_ANSWERS: Final[Mapping[str, Mapping[str, Fields]]] = {
    "ocpp1.6": {},
    "ocpp2.0.1": {},
    "ocpp2.1": {
        "SetDERControl": ((_D, ("supersededIds", "[]")),),
        "GetTariffs": ((_T, ("tariffAssignments", "[]", "tariffId")),),
        "ClearTariffs": ((_T, ("clearTariffsResult", "[]", "tariffId")),),
    },
}
"""The station's answers to back-ends."""

CALL_ANSWERS: Final[Mapping[str, Mapping[str, Fields]]] = {
    "ocpp1.6": {},
    "ocpp2.0.1": {},
    "ocpp2.1": {"Authorize": ((_T, ("tariff", "tariffId")),)},
}
"""Back-ends' answers to the station."""
