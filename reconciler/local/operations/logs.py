"""Logs: the station uploads its diagnostics or security log to this server, and reports until it is there."""

from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field

from reconciler.local.operations.course import (
    Course,
    Failed,
    Heard,
    Left,
    Listen,
    Received,
    Say,
    TimedOut,
    ask,
    ask_for,
    text,
)
from reconciler.local.operations.model import Parameters, Result
from reconciler.local.operations.operation import Operation, Order, every_version

_REPORTS: Final = ("DiagnosticsStatusNotification", "LogStatusNotification")
_BROKEN: Final = frozenset(
    {"UploadFailed", "UploadFailure", "BadMessage", "NotSupportedOperation", "PermissionDenied", "AcceptedCanceled"}
)
_LAST_WORD_S: Final = 20.0
"""How long to wait for the report where the file is here, and for the file where the report is."""


class DiagnosticsParameters(Parameters):
    """Which log to fetch."""

    log: Literal["diagnostics", "security"] = "diagnostics"
    """What happened in the charging station, or what concerns its security."""
    since: AwareDatetime | None = None
    """The oldest entry wanted."""
    until: AwareDatetime | None = None
    """The newest entry wanted."""
    retries: int | None = Field(default=None, ge=0, le=20)
    """How often the station tries to upload it."""
    within_s: float = Field(default=900, gt=0, le=24 * 3600)
    """How long to wait for its next report."""


class DiagnosticsResult(Result):
    """The file that came; `upload` is its id here."""

    upload: str = ""
    name: str = ""
    size: int = 0


def diagnostics(order: Order) -> Course:
    """Have the station upload a log to `order.url`, and wait until it is here."""
    wanted: DiagnosticsParameters = order.parameters
    yield from _asked(order, wanted)
    yield Say("accepted: the charging station is to upload its log")
    received: Received | None = None
    reported = ""
    while True:
        happened = yield Listen(_LAST_WORD_S if received or reported else wanted.within_s)
        match happened:
            case Received():
                received = happened
                yield Say(f"{happened.name} is here, {happened.size} bytes")
            case Left():
                yield Say("the charging station left")
            case TimedOut() if received is None:
                after = f", though it reported {reported}" if reported else ""
                raise Failed(f"the charging station uploaded nothing{after}")
            case TimedOut():
                yield Say("the charging station did not report that it is done")
                reported = "Uploaded"
            case Heard(action=report, payload=said) if report in _REPORTS and _is_ours(order, report, said):
                status = text(said, "status")
                if status in _BROKEN and received is None:
                    raise Failed(f"the charging station reported {status}")
                if status != "Idle":
                    yield Say(status)
                reported = status if status == "Uploaded" else reported
        if received is not None and reported:
            return DiagnosticsResult(status=reported, upload=received.upload, name=received.name, size=received.size)


def _asked(order: Order, wanted: DiagnosticsParameters) -> Any:
    """Ask for the log; 1.6 has a message of its own for diagnostics."""
    since, until = (at and at.isoformat(timespec="seconds") for at in (wanted.since, wanted.until))
    retries = {} if wanted.retries is None else {"retries": wanted.retries}
    if order.is_16 and wanted.log == "diagnostics":
        times = {"startTime": since, "stopTime": until}
        payload = {"location": order.url} | retries | {name: at for name, at in times.items() if at}
        answer = yield from ask("GetDiagnostics", payload)
        if not text(answer, "fileName"):
            raise Failed("the charging station has no diagnostics of that time")
        return
    times = {"oldestTimestamp": since, "latestTimestamp": until}
    log = {"remoteLocation": order.url} | {name: at for name, at in times.items() if at}
    kind = "SecurityLog" if wanted.log == "security" else "DiagnosticsLog"
    yield from ask_for(
        "GetLog", {"logType": kind, "requestId": order.request_id, "log": log} | retries, "Accepted", "AcceptedCanceled"
    )


def _is_ours(order: Order, report: str, said: Any) -> bool:
    """Tell whether a report is about this job; one of GetDiagnostics has no number, and is."""
    if report == "DiagnosticsStatusNotification":
        return bool(order.parameters.log == "diagnostics")
    return bool(said.get("requestId", order.request_id) == order.request_id)


OPERATIONS: Final = (
    Operation(
        "diagnostics",
        "fetch the charging station's log",
        "diagnostics",
        every_version("GetLog") | {"ocpp1.6": ("GetDiagnostics", "GetLog")},
        DiagnosticsParameters,
        DiagnosticsResult,
        diagnostics,
        file="receives",
    ),
)
