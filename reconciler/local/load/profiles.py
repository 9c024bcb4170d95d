"""Charging profiles that keep a charger's limit, as OCPP writes them.

Chosen: the profile that caps the whole charging station, `ChargePointMaxProfile` in 1.6, `ChargingStationMaxProfile` in
2.x, at connector or EVSE 0. It holds whether a transaction runs or not, so a car that comes can't draw more than what
was reckoned with; a TxProfile would have to be set anew for each transaction, after it began, and a TxDefaultProfile
binds each connector by itself. `ChargingStationExternalConstraints` is not a CSMS's to set (2.x, K01).

Absolute, for such a profile may not be relative to a transaction. It began yesterday, so that a station whose clock is
behind takes it as begun, and has no end, so that the limit stands when the relay is away.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

PROFILE_ID: Final = 7_500
"""In `local`'s own id space; the relay gives the station one that is free there."""

_BEGUN: Final = timedelta(days=1)
_PURPOSE: Final = {
    "ocpp1.6": "ChargePointMaxProfile",
    "ocpp2.0.1": "ChargingStationMaxProfile",
    "ocpp2.1": "ChargingStationMaxProfile",
}
PURPOSES: Final = frozenset(_PURPOSE.values())

Call = tuple[str, Mapping[str, Any]]
"""Action and payload."""


def set_limit(version: str, watts: float, now: datetime, *, amperes_at_v: float | None = None) -> Call:
    """Return the SetChargingProfile that caps a station at `watts`; in amperes a phase where a voltage is given."""
    unit, limit = ("W", watts) if amperes_at_v is None else ("A", watts / (3 * amperes_at_v))
    start = (now - _BEGUN).strftime("%Y-%m-%dT%H:%M:%SZ")
    schedule = {
        "chargingRateUnit": unit,
        "startSchedule": start,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": _tenths(limit)}],
    }
    profile = {
        "stackLevel": 0,
        "chargingProfilePurpose": _PURPOSE[version],
        "chargingProfileKind": "Absolute",
    }
    if version == "ocpp1.6":
        profile |= {"chargingProfileId": PROFILE_ID, "chargingSchedule": schedule}
        return "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": profile}
    profile |= {"id": PROFILE_ID, "chargingSchedule": [{"id": 1, **schedule}]}
    return "SetChargingProfile", {"evseId": 0, "chargingProfile": profile}


def clear_limit(version: str) -> Call:
    """Return the ClearChargingProfile that takes the cap away."""
    return "ClearChargingProfile", {"id" if version == "ocpp1.6" else "chargingProfileId": PROFILE_ID}


def clear_foreign(version: str) -> Call:
    """Return the ClearChargingProfile that takes away every cap of the same purpose, whoever set it.

    Of several the highest stack level counts, so one that an earlier owner left would stand above ours.
    """
    purpose = _PURPOSE[version]
    if version == "ocpp1.6":
        return "ClearChargingProfile", {"chargingProfilePurpose": purpose}
    return "ClearChargingProfile", {"chargingProfileCriteria": {"chargingProfilePurpose": purpose}}


def _tenths(limit: float) -> float:
    """Return the limit with the one decimal that OCPP allows, rounded down: never more than what was meant."""
    return int(limit * 10 + 1e-6) / 10
