"""Leg values: what a back-end reads of its own leg, also where it comes together with what is the station's (R13).

    GetConfiguration, GetVariables ──of the leg alone──> answered here
                └──of other things, too──> the station's answer, with the leg's values in place of the station's own
    NotifyReport ──> each back-end's copy has the values of its leg
    GetInstalledCertificateIds of more than CSMS roots ──> the station's answer, without those

Only frames of these actions are read. What is not about the leg stays byte for byte (R1), and what the station does not
name is not added. Signed frames are never touched. Passwords are write-only: none is ever shown, the station's neither.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reconciler.model.desired import DECLARED_SLOT, SIGNING_REPEAT_TIMES, SIGNING_WAIT_MINIMUM_S, Backend
from reconciler.relay.envelope import UNREADABLE
from reconciler.relay.splice import with_members
from reconciler.relay.terminated import CSMS_ROOTS, KEYS_16, Payload, is_leg_variable, name_of

READS: Final = frozenset({"GetConfiguration", "GetVariables", "GetInstalledCertificateIds"})
REPORT: Final = "NotifyReport"
MUTUAL_TLS: Final = 3

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_GONE: Final = b""


class LegValues(msgspec.Struct, frozen=True):
    """What one leg has; `priority` holds the slots of its network profiles, the active one first."""

    identity: str
    profile: int
    organization: str = ""
    priority: tuple[int, ...] = (DECLARED_SLOT,)
    signing_wait_minimum_s: int = SIGNING_WAIT_MINIMUM_S
    signing_repeat_times: int = SIGNING_REPEAT_TIMES
    checks_new_roots: bool = False
    may_step_down: bool = False

    def variable(self, name: str) -> str:
        """Return the value of a variable of OCPP 2.x by its name in lower case, "" where there is none to be read."""
        return self._variables().get(name, "")

    def _variables(self) -> Mapping[str, str]:
        return {
            "securityprofile": str(self.profile),
            "identity": self.identity,
            "organizationname": self.organization,
            "networkconfigurationpriority": ",".join(map(str, self.priority)),
            "activenetworkprofile": str(self.priority[0]),
            "certsigningwaitminimum": str(self.signing_wait_minimum_s),
            "certsigningrepeattimes": str(self.signing_repeat_times),
            "additionalrootcertificatecheck": _boolean(self.checks_new_roots),
            "allowsecurityprofiledowngrade": _boolean(self.may_step_down),
            "allowcsmstlswildcards": "true",
        }

    def key(self, name: str) -> dict[str, Any]:
        """Return a configuration key of OCPP 1.6 by its name in lower case, as GetConfiguration has it."""
        known: Mapping[str, dict[str, Any]] = {
            "authorizationkey": {"key": "AuthorizationKey", "readonly": False},
            "securityprofile": {"key": "SecurityProfile", "readonly": False, "value": str(self.profile)},
            "cponame": {"key": "CpoName", "readonly": False, "value": self.organization},
        }
        return known[name]


def declared(backend: Backend, identity: str) -> LegValues:
    """Return what a leg has whose back-end has set nothing: what the spec says."""
    security = backend.security
    checks, steps = security.trusted_ca is not None, security.allow_downgrade_from == MUTUAL_TLS
    return LegValues(identity, security.profile, checks_new_roots=checks, may_step_down=steps)


def answer(values: LegValues, action: str, payload: Payload) -> bytes:
    """Return the answer to a CALL that reads values of the leg alone, see `reads_leg_alone`."""
    if action == "GetConfiguration":
        return msgspec.json.encode({"configurationKey": [values.key(str(key).lower()) for key in payload["key"]]})
    return msgspec.json.encode({"getVariableResult": [_result(values, item) for item in payload["getVariableData"]]})


def shown_answer(values: LegValues, action: str, payload: bytes) -> bytes | None:
    """Return the station's answer to a reading command as this leg's back-end is to see it; None for no change."""
    if action == "GetConfiguration":
        return _rewritten(payload, "configurationKey", values, _shown_key)
    if action == "GetVariables":
        return _rewritten(payload, "getVariableResult", values, _shown_result)
    shown = _rewritten(payload, "certificateHashDataChain", values, _shown_chain)
    if shown is not None and b'"certificateHashDataChain"' not in shown:
        return with_members(shown, {"status": b'"NotFound"'})
    return shown


def shown_report(values: LegValues, payload: bytes) -> bytes | None:
    """Return a NotifyReport as this leg's back-end is to see it; None where nothing changes."""
    return _rewritten(payload, "reportData", values, _shown_variable)


def _rewritten(payload: bytes, member: str, values: LegValues, shown: Any) -> bytes | None:
    """Return the object with the elements of one array as `shown` has them, None where it changes none."""
    try:
        before = [bytes(element) for element in _ARRAY.decode(_OBJECT.decode(payload)[member])]
        after = [shown(values, element, msgspec.json.decode(element)) for element in before]
    except (*UNREADABLE, KeyError):
        return None  # nothing there that a back-end could take for values
    if after == before:
        return None
    left = [element for element in after if element is not _GONE]
    return with_members(payload, {member: b"[%b]" % b",".join(left) if left else None})


def _shown_key(values: LegValues, raw: bytes, item: Any) -> bytes:
    name = str(item.get("key", "")).lower() if isinstance(item, dict) else ""
    return msgspec.json.encode(values.key(name)) if name in KEYS_16 else raw


def _shown_chain(values: LegValues, raw: bytes, item: Any) -> bytes:
    """Return nothing for a root by which the station knows the relay; the leg's are listed where they are asked for."""
    return _GONE if isinstance(item, dict) and item.get("certificateType") in CSMS_ROOTS else raw


def _shown_result(values: LegValues, raw: bytes, item: Any) -> bytes:
    if not isinstance(item, dict) or not is_leg_variable(item):
        return raw
    return msgspec.json.encode(_result(values, item))


def _result(values: LegValues, item: Payload) -> dict[str, Any]:
    """Return GetVariableResultType for a variable of the leg."""
    value = values.variable(name_of(item, "variable"))
    if item.get("attributeType", "Actual") != "Actual":
        said = {"attributeStatus": "NotSupportedAttributeType"}
    elif name_of(item, "component") == "networkconfiguration":
        said = {"attributeStatus": "UnknownComponent"}
    else:
        said = {"attributeStatus": "Accepted", "attributeValue": value} if value else {"attributeStatus": "Rejected"}
    return {**said, **{key: item[key] for key in ("attributeType", "component", "variable") if key in item}}


def _shown_variable(values: LegValues, raw: bytes, item: Any) -> bytes:
    """Return ReportDataType with the leg's value; network profiles of the station are not the leg's."""
    if not isinstance(item, dict) or not is_leg_variable(item):
        return raw
    if name_of(item, "component") == "networkconfiguration":
        return _GONE
    variable = name_of(item, "variable")
    value = {} if variable == "basicauthpassword" else {"value": values.variable(variable)}
    listed = item.get("variableAttribute")
    attributes = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    actual = [{**each, **value} for each in attributes if each.get("type", "Actual") == "Actual"]
    if variable == "basicauthpassword":
        actual = [{key: each[key] for key in each if key != "value"} for each in actual]
    return msgspec.json.encode({**item, "variableAttribute": actual}) if actual else _GONE


def _boolean(value: bool) -> str:
    return "true" if value else "false"
