"""Leg-terminated messages: what changes credentials, certificates, profile or address of a leg stays on that leg (R13).

Passed on, such a message would change the station's own leg while the back-end believes that its own changed: the
station would leave the relay, or lock itself out. So the relay carries it out on the back-end's leg (`leg_orders`), and
the station stays on its own. The exception is explicit: with `credentials: passthrough` both legs share one credential,
and the messages pass both ways between the station and that one back-end.

`condition` is the catalogue's column `terminates`, in code.
"""

import re
from collections.abc import Callable, Container, Mapping
from typing import Any, Final

import msgspec

from reconciler.relay.catalogue import Action
from reconciler.relay.envelope import UNREADABLE, Frame

_ADDRESS_KEY: Final = re.compile(r"url|endpoint|server|host|central_?system|csms|websocket.*(address|port)|proxy", re.I)
_KEYS_16: Final = frozenset({"authorizationkey", "securityprofile", "cponame"})
_HARMLESS_KEYS_16: Final = frozenset({"websocketpinginterval"})
_SECURITY_VARIABLES: Final = frozenset({"basicauthpassword", "identity", "organizationname", "securityprofile"})
_ROOTS: Final = frozenset({"CentralSystemRootCertificate", "CSMSRootCertificate"})
_SIGN_TRIGGERS: Final = frozenset({"SignChargePointCertificate", "SignChargingStationCertificate"})

Payload = Mapping[str, Any]


def concerns_leg(row: Action | None, frame: Frame, deletable: Container[str]) -> bool:
    """Return True where this CALL concerns a leg itself.

    `deletable` holds the serial numbers of certificates that are known to be no CSMS root. What can't be read well
    enough to tell is taken to concern the leg: a refusal does no harm.
    """
    if row is None or not row.terminates:
        return False
    if row.terminates == "always" or frame.signed:
        return True
    try:
        payload = msgspec.json.decode(frame.payload)
    except UNREADABLE:
        return True
    if not isinstance(payload, dict):
        return True
    if frame.action == "DeleteCertificate":
        return not _deletes_one_of(payload, deletable)
    condition = _CONDITIONS.get(frame.action)
    return condition is None or condition(payload)


def asks_about_leg(frame: Frame) -> bool:
    """Return True where this CALL only reads what is about a leg: the station's own values would be the wrong ones."""
    reads = _READS.get(frame.action)
    if reads is None or frame.signed:
        return False
    try:
        payload = msgspec.json.decode(frame.payload)
    except UNREADABLE:
        return False
    return isinstance(payload, dict) and reads(payload)


def _reads_leg_keys(payload: Payload) -> bool:
    keys = payload.get("key")
    return isinstance(keys, list) and bool(keys) and all(str(key).lower() in _KEYS_16 for key in keys)


def _reads_leg_variables(payload: Payload) -> bool:
    items = payload.get("getVariableData")
    return isinstance(items, list) and bool(items) and all(isinstance(i, dict) and _is_leg_variable(i) for i in items)


def _lists_roots(payload: Payload) -> bool:
    kinds = payload.get("certificateType")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return bool(listed) and all(kind in _ROOTS for kind in listed if isinstance(kind, str)) and listed != [None]


_READS: Final[Mapping[str, Callable[[Payload], bool]]] = {
    "GetConfiguration": _reads_leg_keys,
    "GetVariables": _reads_leg_variables,
    "GetInstalledCertificateIds": _lists_roots,
}


def deletable_serials(asked: Frame, answered: Frame) -> set[str]:
    """Return the serial numbers that a GetInstalledCertificateIds answer shows to belong to no CSMS root."""
    try:
        request, answer = msgspec.json.decode(asked.payload), msgspec.json.decode(answered.payload)
        if "certificateHashDataChain" in answer:
            chains = answer["certificateHashDataChain"]
            found = [chain["certificateHashData"] for chain in chains if chain["certificateType"] not in _ROOTS]
        else:
            found = answer.get("certificateHashData", []) if request["certificateType"] not in _ROOTS else []
        return {str(data["serialNumber"]).lower() for data in found}
    except (*UNREADABLE, KeyError, TypeError, AttributeError):
        return set()


def _deletes_one_of(payload: Payload, deletable: Container[str]) -> bool:
    hash_data = payload.get("certificateHashData")
    return isinstance(hash_data, dict) and str(hash_data.get("serialNumber", "")).lower() in deletable


def _changes_leg_key(payload: Payload) -> bool:
    key = str(payload.get("key", ""))
    if key.lower() in _HARMLESS_KEYS_16:
        return False
    return key.lower() in _KEYS_16 or _ADDRESS_KEY.search(key) is not None


def _sets_leg_variable(payload: Payload) -> bool:
    items = payload.get("setVariableData")
    return not isinstance(items, list) or any(_is_leg_variable(item) for item in items)


def _is_leg_variable(item: Any) -> bool:
    if not isinstance(item, dict):
        return True
    component, variable = (_name(item.get(part)) for part in ("component", "variable"))
    if component == "securityctrlr":
        return variable in _SECURITY_VARIABLES
    return component == "ocppcommctrlr" and variable == "networkconfigurationpriority"


def _name(part: Any) -> str:
    return str(part.get("name", "")).lower() if isinstance(part, dict) else ""


def _installs_root(payload: Payload) -> bool:
    return str(payload.get("certificateType")) in _ROOTS


def _triggers_signing(payload: Payload) -> bool:
    return str(payload.get("requestedMessage")) in _SIGN_TRIGGERS


def _is_station_certificate(payload: Payload) -> bool:
    return bool(payload.get("certificateType", "ChargingStationCertificate") == "ChargingStationCertificate")


_CONDITIONS: Final[Mapping[str, Callable[[Payload], bool]]] = {
    "ChangeConfiguration": _changes_leg_key,
    "SetVariables": _sets_leg_variable,
    "InstallCertificate": _installs_root,
    "TriggerMessage": _triggers_signing,
    "ExtendedTriggerMessage": _triggers_signing,
    "CertificateSigned": _is_station_certificate,
    "SignCertificate": _is_station_certificate,
}
