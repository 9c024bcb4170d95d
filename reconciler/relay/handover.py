"""Handover: after a flip the relay takes away what the old owner left, where the binding asks for it (R14).

    residue of a loser, of a feature that it lost ──policy says clear or restore──> one command of the relay's own

The station's answer decides whether the thing is gone from the book; a refusal leaves it there, for status to show, and
it is asked for again with the next hand-over, unless the station does not know the command at all.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from typing import Any, Final

import msgspec

from reconciler.model.desired import Handover
from reconciler.model.features import RESIDUE_FEATURES
from reconciler.relay.envelope import UNREADABLE, Frame, Kind
from reconciler.relay.residue import Residue, ResidueBook
from reconciler.relay.shapes import StatusAnswer

Command = tuple[str, bytes]
"""Action and payload."""

_STATUS: Final = msgspec.json.Decoder(StatusAnswer)
_ERROR: Final = msgspec.json.Decoder(tuple[int, msgspec.Raw, str, msgspec.Raw, msgspec.Raw])
_GONE: Final = frozenset({"Accepted", "Scheduled", "Unknown", "NotFound"})
_NOT_KNOWN: Final = frozenset({"NotSupported", "NotImplemented"})


class Fate(Enum):
    """What a station's answer to such a command says of the thing."""

    GONE = auto()
    LEFT = auto()
    STUCK = auto()


def fate_of(residue: Residue, answer: Frame) -> Fate:
    """Return what became of `residue`, by the station's answer to the command that was to take it away.

    A reservation that the station does not have is "Rejected" (1.6: 5.2; 2.x: H02.FR.01).
    """
    try:
        result = answer.kind is Kind.CALLRESULT
        said = _STATUS.decode(answer.payload).status if result else _ERROR.decode(answer.raw)[2]
    except UNREADABLE:
        return Fate.LEFT
    if said in _NOT_KNOWN:
        return Fate.STUCK
    not_there = residue.kind == "reservation" and said == "Rejected"
    return Fate.GONE if result and (said in _GONE or not_there) else Fate.LEFT


def take_over(
    book: ResidueBook, policy: Handover, owners: Mapping[str, str], version: str
) -> Iterator[tuple[Residue, Command]]:
    """Yield what has to go now that `owners` own, with the command that takes it away."""
    rules = {
        "charging-profile": policy.charging_profiles,
        "reservation": policy.reservations,
        "availability": policy.availability,
        "local-list": policy.local_list,
        "display-message": policy.display_messages,
        "der-control": policy.der_controls,
    }
    for residue in book:
        if not residue.stuck and _is_foreign(residue, owners) and rules.get(residue.kind, "keep") != "keep":
            yield residue, _command(residue, version)


def disown(
    book: ResidueBook, owner: str, kind: str, details: tuple[str, ...], owners: Mapping[str, str], version: str
) -> Iterator[tuple[Residue, Command]]:
    """Yield what `owner` left, wants gone and may not take away itself, with the command that takes it away.

    `details` are beginnings of what it is, see `Residue.detail`. What it owns still it has to command itself.
    """
    for residue in book.of(owner):
        wanted = residue.kind == kind and not residue.stuck and residue.detail.startswith(details)
        if wanted and kind in _COMMANDS and _is_foreign(residue, owners):
            yield residue, _command(residue, version)


def _is_foreign(residue: Residue, owners: Mapping[str, str]) -> bool:
    return owners[RESIDUE_FEATURES[residue.kind]] != residue.owner


def _command(residue: Residue, version: str) -> Command:
    action, payload = _COMMANDS[residue.kind](residue, version)
    return action, msgspec.json.encode(payload)


def _clear_profile(residue: Residue, version: str) -> tuple[str, Any]:
    field = "id" if version == "ocpp1.6" else "chargingProfileId"
    return "ClearChargingProfile", {field: int(residue.key)}


def _cancel_reservation(residue: Residue, version: str) -> tuple[str, Any]:
    return "CancelReservation", {"reservationId": int(residue.key)}


def _restore_availability(residue: Residue, version: str) -> tuple[str, Any]:
    where = int(residue.key)
    if version == "ocpp1.6":
        return "ChangeAvailability", {"connectorId": where, "type": "Operative"}
    return "ChangeAvailability", {"operationalStatus": "Operative", **({"evse": {"id": where}} if where else {})}


def _clear_list(residue: Residue, version: str) -> tuple[str, Any]:
    field = "listVersion" if version == "ocpp1.6" else "versionNumber"
    sent = int(residue.detail.rpartition(" ")[2])
    return "SendLocalList", {field: sent + 1, "updateType": "Full"}


def _clear_message(residue: Residue, version: str) -> tuple[str, Any]:
    return "ClearDisplayMessage", {"id": int(residue.key)}


def _clear_control(residue: Residue, version: str) -> tuple[str, Any]:
    return "ClearDERControl", {"isDefault": False, "controlId": residue.key}


_COMMANDS: Final[Mapping[str, Callable[[Residue, str], tuple[str, Any]]]] = {
    "charging-profile": _clear_profile,
    "reservation": _cancel_reservation,
    "availability": _restore_availability,
    "local-list": _clear_list,
    "display-message": _clear_message,
    "der-control": _clear_control,
}
