"""Residue: what back-ends left in the station, read off the commands that the station accepted (R14).

    SetChargingProfile  Accepted ──> charging-profile   <── ClearChargingProfile, end of its transaction
    ReserveNow          Accepted ──> reservation        <── CancelReservation, the reserved transaction, its end
    ChangeAvailability  Inoperative ──> availability    <── ChangeAvailability Operative
    SendLocalList       Accepted ──> local-list         <── another SendLocalList
    UpdateFirmware ...  Accepted ──> firmware-job       <── a final FirmwareStatusNotification
    GetLog, GetDiagnostics ─────────> log-job           <── a final status of the upload
    SetDisplayMessage   Accepted ──> display-message    <── ClearDisplayMessage
    SetDERControl       Accepted ──> der-control        <── ClearDERControl
    SetDefaultTariff    Accepted ──> tariff             <── ClearTariffs
    SetVariableMonitoring Accepted > monitor            <── ClearVariableMonitoring
    ChangeConfiguration, SetVariables Accepted > configuration (the key alone; whoever writes it next has it)

After a flip the loser's residue is kept unless the binding's `flip.handover` says otherwise: taking a limit away may
overload a site, so nobody but its owner decides that it goes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from reconciler.relay.envelope import UNREADABLE, Frame

_MAX: Final = 512
"""Kept per charger; of the kind of which there is most the oldest goes first (R15)."""

_FINAL_FIRMWARE: Final = frozenset(
    {
        "Installed",
        "InstallationFailed",
        "DownloadFailed",
        "InvalidSignature",
        "InstallVerificationFailed",
        "Idle",
    }
)
_FINAL_LOG: Final = frozenset(
    {"Uploaded", "UploadFailed", "UploadFailure", "BadMessage", "NotSupportedOperation", "PermissionDenied", "Idle"}
)
_MAY_RESERVE: Final = ("StartTransaction", "TransactionEvent")
_RESERVED: Final = b'"reservationId"'
_ACCEPTED: Final = frozenset({"Accepted", "Scheduled", "AcceptedCanceled", "RebootRequired"})
_NO_LONGER: Final = frozenset({"Accepted", "NotFound", "NoTariff"})


class Residue(msgspec.Struct, frozen=True):
    """One thing that stands in the station because `owner` put it there; `key` tells it from others of its kind."""

    kind: str
    key: str
    owner: str
    detail: str = ""
    stuck: bool = False
    """The station does not know the command that would take it away: nobody asks it again."""


class ResidueBook:
    """All residue of one charger, oldest first. Ids are the station's, as they were sent down."""

    __slots__ = ("_book",)

    def __init__(self) -> None:
        self._book: dict[tuple[str, str], Residue] = {}

    def __iter__(self) -> Iterator[Residue]:
        return iter(tuple(self._book.values()))

    def of(self, owner: str) -> tuple[Residue, ...]:
        """Return what `owner` left."""
        return tuple(residue for residue in self._book.values() if residue.owner == owner)

    def command_answered(self, owner: str, action: str, sent: bytes, answer: Frame) -> bool:
        """Read a command that the station answered; returns True where the book changed."""
        if action not in _COMMANDS and action not in _BY_ITEM:
            return False
        asked, said = _object(sent), _object(answer.payload)
        if asked is None or said is None:
            return False
        before = dict(self._book)
        if action in _BY_ITEM:
            _BY_ITEM[action](self, owner, asked, said)
            return self._book != before
        if action in ("GetDiagnostics", "UpdateFirmware") and "status" not in said:
            said = {**said, "status": "Accepted"}  # 1.6 answers these without one
        if _word(said.get("status")) in _ACCEPTED:
            _COMMANDS[action](self, owner, asked)
        return self._book != before

    def station_reported(self, frame: Frame) -> bool:
        """Read a station's call that may end a job, a reservation or a profile; True where the book changed."""
        if frame.action not in _REPORTS or (frame.action in _MAY_RESERVE and _RESERVED not in frame.raw):
            return False
        said = _object(frame.payload)
        if said is None:
            return False
        before = len(self._book)
        if frame.action in ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"):
            self._end_if(_word(said.get("status")) in _FINAL_FIRMWARE, "firmware-job")
        elif frame.action in ("LogStatusNotification", "DiagnosticsStatusNotification"):
            self._end_if(_word(said.get("status")) in _FINAL_LOG, "log-job")
        elif "reservationId" in said:
            self.gone("reservation", str(said["reservationId"]))
        return len(self._book) != before

    def gone(self, kind: str, key: str) -> None:
        """Forget one thing."""
        self._book.pop((kind, key), None)

    def stuck(self, residue: Residue) -> None:
        """Note that the station can't take one thing away, until somebody puts another in its place."""
        if residue in self:
            self._book[residue.kind, residue.key] = replace(residue, stuck=True)

    def transactions_ended(self) -> None:
        """No transaction is open any more: profiles made for one are gone with it."""
        for key, residue in list(self._book.items()):
            if residue.kind == "charging-profile" and residue.detail.startswith("TxProfile"):
                del self._book[key]

    def snapshot(self) -> list[list[str]]:
        """Return the book as JSON data."""
        return [
            [residue.kind, residue.key, residue.owner, residue.detail, *(["stuck"] if residue.stuck else [])]
            for residue in self._book.values()
        ]

    def restore(self, snapshot: Iterable[Iterable[str]]) -> None:
        """Take over a snapshot."""
        for kind, key, owner, detail, *stuck in snapshot:
            self._put(Residue(kind, key, owner, detail, bool(stuck)))

    def _put(self, residue: Residue) -> None:
        self._book.pop((residue.kind, residue.key), None)
        self._book[residue.kind, residue.key] = residue
        if len(self._book) > _MAX:
            ((most, _),) = Counter(kind for kind, _ in self._book).most_common(1)
            del self._book[next(key for key in self._book if key[0] == most)]

    def _end_if(self, final: bool, kind: str) -> None:
        if final:
            for key in [key for key in self._book if key[0] == kind]:
                del self._book[key]

    # -- commands ----------------------------------------------------------------------------------------------

    def _set_profile(self, owner: str, asked: Mapping[str, Any]) -> None:
        profile = _part(asked, "csChargingProfiles") or _part(asked, "chargingProfile")
        purpose = profile.get("chargingProfilePurpose", "")
        key = _number(profile.get("chargingProfileId", profile.get("id")))
        where = asked.get("connectorId", asked.get("evseId", 0))
        if key is not None:
            self._put(
                Residue("charging-profile", key, owner, f"{purpose} level {profile.get('stackLevel')} at {where}")
            )

    def _clear_profiles(self, owner: str, asked: Mapping[str, Any]) -> None:
        key = asked.get("id", asked.get("chargingProfileId"))
        if key is not None:
            self.gone("charging-profile", str(key))
            return
        criteria = _part(asked, "chargingProfileCriteria") or asked
        purpose, level = criteria.get("chargingProfilePurpose"), criteria.get("stackLevel")
        where = criteria.get("connectorId", criteria.get("evseId"))
        for (kind, name), residue in list(self._book.items()):
            told = residue.detail.split(" ")
            if kind == "charging-profile" and _matches(told, purpose, level, where):
                self.gone(kind, name)

    def _reserve(self, owner: str, asked: Mapping[str, Any]) -> None:
        key = _number(asked.get("reservationId", asked.get("id")))
        where = asked.get("connectorId", asked.get("evseId", ""))
        if key is not None:
            self._put(Residue("reservation", key, owner, f"connector {where}" if where != "" else ""))

    def _cancel(self, owner: str, asked: Mapping[str, Any]) -> None:
        self.gone("reservation", str(asked.get("reservationId")))

    def _change_availability(self, owner: str, asked: Mapping[str, Any]) -> None:
        evse = _part(asked, "evse")
        where = _number(asked.get("connectorId", evse.get("id", 0)))
        if where is None:
            return
        if asked.get("type", asked.get("operationalStatus")) == "Inoperative":
            self._put(Residue("availability", where, owner, "Inoperative"))
        else:
            self.gone("availability", where)
            if where == "0":
                for key in [key for key in self._book if key[0] == "availability"]:
                    del self._book[key]

    def _send_list(self, owner: str, asked: Mapping[str, Any]) -> None:
        version = _number(asked.get("listVersion", asked.get("versionNumber")))
        if version is not None:
            self._put(Residue("local-list", "", owner, f"version {version}"))

    def _firmware(self, owner: str, asked: Mapping[str, Any]) -> None:
        self._put(Residue("firmware-job", str(asked.get("requestId", "")), owner))

    def _log(self, owner: str, asked: Mapping[str, Any]) -> None:
        self._put(Residue("log-job", str(asked.get("requestId", "")), owner))

    def _show(self, owner: str, asked: Mapping[str, Any]) -> None:
        key = _number(_part(asked, "message").get("id"))
        if key is not None:
            self._put(Residue("display-message", key, owner))

    def _hide(self, owner: str, asked: Mapping[str, Any]) -> None:
        self.gone("display-message", str(asked.get("id")))

    def _set_der(self, owner: str, asked: Mapping[str, Any]) -> None:
        self._put(Residue("der-control", str(asked.get("controlId")), owner, str(asked.get("controlType", ""))))

    def _clear_der(self, owner: str, asked: Mapping[str, Any]) -> None:
        for kind, key in list(self._book):
            if kind == "der-control" and asked.get("controlId") in (None, key):
                self.gone(kind, key)

    def _set_tariff(self, owner: str, asked: Mapping[str, Any]) -> None:
        self._put(Residue("tariff", _text(_part(asked, "tariff").get("tariffId")), owner, f"at {asked.get('evseId')}"))

    def _configure(self, owner: str, asked: Mapping[str, Any]) -> None:
        self._put(Residue("configuration", _text(asked.get("key")), owner))

    # -- commands that are answered item by item ---------------------------------------------------------------

    def _clear_tariffs(self, owner: str, asked: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        for item in _items(said, "clearTariffsResult"):
            if item.get("status") in _NO_LONGER:
                self.gone("tariff", _text(item.get("tariffId")))

    def _set_monitors(self, owner: str, asked: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        for item in _items(said, "setMonitoringResult"):
            key = _number(item.get("id"))
            if key is not None and item.get("status") == "Accepted":
                self._put(Residue("monitor", key, owner, _variable(item)))

    def _clear_monitors(self, owner: str, asked: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        for item in _items(said, "clearMonitoringResult"):
            if item.get("status") in _NO_LONGER:
                self.gone("monitor", str(item.get("id")))

    def _set_variables(self, owner: str, asked: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        for item in _items(said, "setVariableResult"):
            if item.get("attributeStatus") in _ACCEPTED:
                self._put(Residue("configuration", _variable(item), owner))


def _items(said: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of the array at `name`."""
    found = said.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _variable(item: Mapping[str, Any]) -> str:
    """Return which variable of which component an item is about."""
    parts = (_part(item, name) for name in ("component", "variable"))
    return ".".join("/".join(_text(part.get(key)) for key in ("name", "instance") if part.get(key)) for part in parts)


def _text(value: Any) -> str:
    """Return a foreign name as the book keeps it: OCPP's are at most 60 characters."""
    return value[:64] if isinstance(value, str) else ""


def _matches(told: list[str], purpose: Any, level: Any, where: Any) -> bool:
    """Return True where "purpose level N at W" fits criteria of which None fits all."""
    says = {"purpose": told[0], "level": told[2], "where": told[4]}
    wanted = {"purpose": purpose, "level": level, "where": where}
    return all(value is None or str(value) == says[name] for name, value in wanted.items())


def _part(asked: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object at `name`; an empty one where there is something else."""
    part = asked.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: Any) -> str | None:
    """Return an id as the book keeps it; None for what no station can have taken for an id."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(payload: bytes | msgspec.Raw) -> dict[str, Any] | None:
    try:
        read = msgspec.json.decode(payload)
    except UNREADABLE:
        return None
    return read if isinstance(read, dict) else None


_COMMANDS: Final = {
    "SetChargingProfile": ResidueBook._set_profile,
    "ClearChargingProfile": ResidueBook._clear_profiles,
    "ReserveNow": ResidueBook._reserve,
    "CancelReservation": ResidueBook._cancel,
    "ChangeAvailability": ResidueBook._change_availability,
    "SendLocalList": ResidueBook._send_list,
    "UpdateFirmware": ResidueBook._firmware,
    "SignedUpdateFirmware": ResidueBook._firmware,
    "GetLog": ResidueBook._log,
    "GetDiagnostics": ResidueBook._log,
    "SetDisplayMessage": ResidueBook._show,
    "ClearDisplayMessage": ResidueBook._hide,
    "SetDERControl": ResidueBook._set_der,
    "ClearDERControl": ResidueBook._clear_der,
    "SetDefaultTariff": ResidueBook._set_tariff,
    "ChangeConfiguration": ResidueBook._configure,
}
_BY_ITEM: Final = {
    "ClearTariffs": ResidueBook._clear_tariffs,
    "SetVariableMonitoring": ResidueBook._set_monitors,
    "ClearVariableMonitoring": ResidueBook._clear_monitors,
    "SetVariables": ResidueBook._set_variables,
}
_REPORTS: Final = frozenset(
    {
        "FirmwareStatusNotification",
        "SignedFirmwareStatusNotification",
        "LogStatusNotification",
        "DiagnosticsStatusNotification",
        "StartTransaction",
        "ReservationStatusUpdate",
        "TransactionEvent",
    }
)
