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
KEYS_16: Final = frozenset({"authorizationkey", "securityprofile", "cponame"})
_HARMLESS_KEYS_16: Final = frozenset({"websocketpinginterval"})
_VARIABLES: Final[Mapping[str, frozenset[str]]] = {
    "securityctrlr": frozenset(
        {
            "additionalrootcertificatecheck",
            "allowcsmstlswildcards",
            "allowsecurityprofiledowngrade",
            "basicauthpassword",
            "certsigningrepeattimes",
            "certsigningwaitminimum",
            "identity",
            "organizationname",
            "securityprofile",
        }
    ),
    "ocppcommctrlr": frozenset({"activenetworkprofile", "networkconfigurationpriority"}),
}
_NETWORK_PROFILE: Final = "networkconfiguration"
"""2.1: the component whose variables are a network profile, address and password included."""
CSMS_ROOTS: Final = frozenset({"CentralSystemRootCertificate", "CSMSRootCertificate"})
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
    payload = _object(frame)
    if payload is None:
        return True
    if frame.action == "DeleteCertificate":
        return not _deletes_one_of(payload, deletable)
    condition = _CONDITIONS.get(frame.action)
    return condition is None or condition(payload)


def reads_leg_alone(frame: Frame) -> Payload | None:
    """Return the payload of a CALL that reads configuration of a leg and nothing else; None for every other one."""
    reads = _READS.get(frame.action)
    payload = None if reads is None or frame.signed else _object(frame)
    return payload if reads is not None and payload is not None and reads(payload) else None


def lists_leg_roots(frame: Frame) -> bool:
    """Return True where this CALL lists CSMS roots and nothing else: the station's own would be the wrong ones."""
    if frame.action != "GetInstalledCertificateIds" or frame.signed:
        return False
    payload = _object(frame)
    return payload is not None and _lists_roots(payload)


def _object(frame: Frame) -> Payload | None:
    try:
        payload = msgspec.json.decode(frame.payload)
    except UNREADABLE:
        return None
    return payload if isinstance(payload, dict) else None


def _reads_leg_keys(payload: Payload) -> bool:
    keys = payload.get("key")
    return isinstance(keys, list) and bool(keys) and all(str(key).lower() in KEYS_16 for key in keys)


def _reads_leg_variables(payload: Payload) -> bool:
    items = payload.get("getVariableData")
    return isinstance(items, list) and bool(items) and all(isinstance(i, dict) and is_leg_variable(i) for i in items)


def _lists_roots(payload: Payload) -> bool:
    kinds = payload.get("certificateType")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return bool(listed) and all(kind in CSMS_ROOTS for kind in listed if isinstance(kind, str)) and listed != [None]


_READS: Final[Mapping[str, Callable[[Payload], bool]]] = {
    "GetConfiguration": _reads_leg_keys,
    "GetVariables": _reads_leg_variables,
}


def deletable_serials(asked: Frame, answered: Frame) -> set[str]:
    """Return the serial numbers that a GetInstalledCertificateIds answer shows to belong to no CSMS root."""
    try:
        request, answer = msgspec.json.decode(asked.payload), msgspec.json.decode(answered.payload)
        if "certificateHashDataChain" in answer:
            chains = answer["certificateHashDataChain"]
            found = [chain["certificateHashData"] for chain in chains if chain["certificateType"] not in CSMS_ROOTS]
        else:
            found = answer.get("certificateHashData", []) if request["certificateType"] not in CSMS_ROOTS else []
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
    return key.lower() in KEYS_16 or _ADDRESS_KEY.search(key) is not None


def _sets_leg_variable(payload: Payload) -> bool:
    items = payload.get("setVariableData")
    return not isinstance(items, list) or any(not isinstance(i, dict) or is_leg_variable(i) for i in items)


def is_leg_variable(item: Payload) -> bool:
    """Return True where an item of OCPP 2.x, with `component` and `variable`, is about a leg."""
    component = name_of(item, "component")
    return component == _NETWORK_PROFILE or name_of(item, "variable") in _VARIABLES.get(component, ())


def name_of(item: Payload, part: str) -> str:
    """Return the name of an item's component or variable, in lower case; "" where it has none."""
    named = item.get(part)
    return str(named.get("name", "")).lower() if isinstance(named, dict) else ""


def _installs_root(payload: Payload) -> bool:
    return str(payload.get("certificateType")) in CSMS_ROOTS


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
