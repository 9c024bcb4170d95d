"""Smart charging: profiles set, cleared and read, and the schedule that results from all of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from reconciler.local.operations.course import (
    BadOrder,
    Course,
    Failed,
    Heard,
    Left,
    Listen,
    TimedOut,
    ask,
    ask_for,
    decline,
    text,
)
from reconciler.local.operations.model import Connector, Parameters, Result
from reconciler.local.operations.operation import Operation, Order, every_version, only_2

Purpose = Literal["station-max", "default", "transaction"]
Unit = Literal["A", "W"]
ProfileId = Annotated[int, Field(ge=0, lt=2**31)]
StackLevel = Annotated[int, Field(ge=0, le=100)]
_PURPOSES: Final = {
    "station-max": "ChargingStationMaxProfile",
    "default": "TxDefaultProfile",
    "transaction": "TxProfile",
}


def _purpose(order: Order, purpose: str) -> str:
    return "ChargePointMaxProfile" if order.is_16 and purpose == "station-max" else _PURPOSES[purpose]


class ProfileSetParameters(Parameters):
    """A limit, and what it holds for."""

    limit: float = Field(ge=0, le=10_000_000)
    """The limit, in `unit`."""
    unit: Unit = "A"
    """Amperes per phase, or watts in all."""
    connector: Connector = 0
    """1.6: the connector; 2.x: the EVSE; 0: the whole charging station, or every connector."""
    purpose: Purpose = "default"
    """The station's maximum, every transaction, or one that runs."""
    profile: ProfileId = 1
    """Its id; a profile with the same id is replaced."""
    stack_level: StackLevel = 0
    """The highest of several that hold wins."""
    transaction: str = Field(default="", max_length=36)
    """For purpose transaction: its id as fwdctl status shows it; not needed where only one runs."""
    duration_s: int | None = Field(default=None, ge=1, le=366 * 24 * 3600)
    """How long it holds; until it is cleared without."""


def profile_set(order: Order) -> Course:
    """Set a charging profile of one constant limit."""
    wanted: ProfileSetParameters = order.parameters
    schedule: dict[str, Any] = {
        "startSchedule": order.now,
        "chargingRateUnit": wanted.unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": round(wanted.limit, 1)}],
    } | ({} if wanted.duration_s is None else {"duration": wanted.duration_s})
    profile: dict[str, Any] = {
        "stackLevel": wanted.stack_level,
        "chargingProfilePurpose": _purpose(order, wanted.purpose),
        "chargingProfileKind": "Absolute",
    }
    if wanted.purpose == "transaction":
        profile["transactionId"] = _transaction(order)
    if order.is_16:
        profile |= {"chargingProfileId": wanted.profile, "chargingSchedule": schedule}
        payload = {"connectorId": wanted.connector, "csChargingProfiles": profile}
    else:
        profile |= {"id": wanted.profile, "chargingSchedule": [{"id": 1} | schedule]}
        payload = {"evseId": wanted.connector, "chargingProfile": profile}
    answer = yield from ask_for("SetChargingProfile", payload, "Accepted")
    return Result(status=text(answer, "status"))


def _transaction(order: Order) -> int | str:
    ours = order.facts.get("transaction", "")
    if not ours or (order.is_16 and not ours.lstrip("-").isdigit()):
        raise BadOrder("which transaction? Not exactly one runs: fwdctl status charger.NAME has their ids")
    return int(ours) if order.is_16 else ours


class ProfileClearParameters(Parameters):
    """Which profiles to clear; nothing given: all."""

    profile: ProfileId | None = None
    """The one with this id."""
    purpose: Purpose | None = None
    """Those of this purpose."""
    connector: Connector | None = None
    """Those of this connector (2.x: EVSE)."""
    stack_level: StackLevel | None = None
    """Those of this stack level."""


def profile_clear(order: Order) -> Course:
    """Clear charging profiles."""
    wanted: ProfileClearParameters = order.parameters
    criteria: dict[str, Any] = {}
    if wanted.purpose is not None:
        criteria["chargingProfilePurpose"] = _purpose(order, wanted.purpose)
    if wanted.connector is not None:
        criteria["connectorId" if order.is_16 else "evseId"] = wanted.connector
    if wanted.stack_level is not None:
        criteria["stackLevel"] = wanted.stack_level
    named = "id" if order.is_16 else "chargingProfileId"
    payload: dict[str, Any] = {} if wanted.profile is None else {named: wanted.profile}
    if criteria:
        payload |= criteria if order.is_16 else {"chargingProfileCriteria": criteria}
    answer = yield from ask("ClearChargingProfile", payload)
    status = text(answer, "status")
    if status not in ("Accepted", "Unknown"):
        decline("ClearChargingProfile", answer)
    return Result(status=status)  # Unknown: none was there


class ProfilesResult(Result):
    """The profiles in the station, as OCPP writes them."""

    profiles: tuple[dict[str, Any], ...] = ()


class ProfileGetParameters(Parameters):
    """Which profiles to read."""

    connector: Connector | None = None
    """Those of this EVSE; of all without."""
    within_s: float = Field(default=60, gt=0, le=3600)
    """How long to wait for the next part of the report."""


def profile_get(order: Order) -> Course:
    """Read the charging profiles: the station reports them in parts, each with this job's number."""
    wanted: ProfileGetParameters = order.parameters
    payload: dict[str, Any] = {"requestId": order.request_id, "chargingProfile": {}}
    if wanted.connector is not None:
        payload["evseId"] = wanted.connector
    answer = yield from ask_for("GetChargingProfiles", payload, "Accepted", "NoProfiles")
    found: list[dict[str, Any]] = []
    more = text(answer, "status") == "Accepted"
    while more:
        happened = yield Listen(wanted.within_s)
        if isinstance(happened, Left | TimedOut):
            raise Failed("the report of charging profiles did not come to its end")
        if not isinstance(happened, Heard) or happened.action != "ReportChargingProfiles":
            continue
        if happened.payload.get("requestId") != order.request_id:
            continue
        profiles = happened.payload.get("chargingProfile")
        where = {"evseId": happened.payload.get("evseId")}
        found += (
            [where | dict(one) for one in profiles if isinstance(one, Mapping)] if isinstance(profiles, list) else []
        )
        more = happened.payload.get("tbc") is True
    return ProfilesResult(status=text(answer, "status"), profiles=tuple(found))


class CompositeParameters(Parameters):
    """Which schedule to compute."""

    connector: Connector = 0
    """1.6: the connector; 2.x: the EVSE; 0: the whole charging station."""
    duration_s: int = Field(default=24 * 3600, ge=1, le=366 * 24 * 3600)
    """How far ahead."""
    unit: Unit | None = None
    """Amperes or watts; as the station likes without."""


class CompositeResult(Result):
    """The schedule that results from all profiles, as OCPP writes it."""

    schedule: dict[str, Any] = Field(default_factory=dict)


def composite_schedule(order: Order) -> Course:
    """Ask what the station may draw when, all profiles taken together."""
    wanted: CompositeParameters = order.parameters
    payload: dict[str, Any] = {
        "connectorId" if order.is_16 else "evseId": wanted.connector,
        "duration": wanted.duration_s,
    }
    if wanted.unit is not None:
        payload["chargingRateUnit"] = wanted.unit
    answer = yield from ask_for("GetCompositeSchedule", payload, "Accepted")
    schedule = answer.get("chargingSchedule" if order.is_16 else "schedule")
    found = dict(schedule) if isinstance(schedule, Mapping) else {}
    return CompositeResult(status=text(answer, "status"), schedule=found)


_FEATURE: Final = "smart-charging"
OPERATIONS: Final = (
    Operation(
        "profile-set",
        "set a charging profile",
        _FEATURE,
        every_version("SetChargingProfile"),
        ProfileSetParameters,
        Result,
        profile_set,
    ),
    Operation(
        "profile-clear",
        "clear charging profiles",
        _FEATURE,
        every_version("ClearChargingProfile"),
        ProfileClearParameters,
        Result,
        profile_clear,
    ),
    Operation(
        "profile-get",
        "read charging profiles",
        _FEATURE,
        only_2("GetChargingProfiles"),
        ProfileGetParameters,
        ProfilesResult,
        profile_get,
        read_only=True,
    ),
    Operation(
        "composite-schedule",
        "ask what may be drawn when, all profiles taken together",
        _FEATURE,
        every_version("GetCompositeSchedule"),
        CompositeParameters,
        CompositeResult,
        composite_schedule,
        read_only=True,
    ),
)
