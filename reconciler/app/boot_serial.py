"""Keeps a station of security profile 3 to the serial number that its certificate names."""

from collections.abc import Callable
from typing import Final

import msgspec

from reconciler.app.legs import Leg, LegSink

POLICY_VIOLATION: Final = 1008
_ACTION_WITHIN: Final = 256
"""Bytes: type, message id and action come first in a frame, and an id has 36 characters at most."""


class _Station2(msgspec.Struct, gc=False):
    serialNumber: str | None = None  # as OCPP writes it


class _Boot(msgspec.Struct, gc=False):
    chargePointSerialNumber: str | None = None
    chargingStation: _Station2 | None = None


_BOOT: Final = msgspec.json.Decoder(tuple[int, str, str, _Boot])


class BootSerialCheck:
    """A LegSink before a session's own: a BootNotification with another serial number ends the leg, unforwarded.

    A boot that names none is let through: the field is optional in every version.
    """

    __slots__ = ("_on_mismatch", "_serial", "_session", "_station")

    def __init__(self, session: LegSink, station: Leg, serial: str, on_mismatch: Callable[[], None]) -> None:
        self._session = session
        self._station = station
        self._serial = serial
        self._on_mismatch = on_mismatch

    def frame_received(self, frame: bytes) -> None:
        """Pass a frame on, unless it is a boot of somebody else."""
        if frame.find(b'"BootNotification"', 0, _ACTION_WITHIN) >= 0 and self._is_of_another(frame):
            self._on_mismatch()
            self._station.close(POLICY_VIOLATION, "the serial number is not that of the certificate")
            return
        self._session.frame_received(frame)

    def leg_closed(self, code: int, reason: str) -> None:
        """Pass the end on."""
        self._session.leg_closed(code, reason)

    def _is_of_another(self, frame: bytes) -> bool:
        try:
            _, _, action, boot = _BOOT.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False  # no boot at all; the session knows what to say to it
        serial = boot.chargingStation.serialNumber if boot.chargingStation else boot.chargePointSerialNumber
        return action == "BootNotification" and serial is not None and serial != self._serial
