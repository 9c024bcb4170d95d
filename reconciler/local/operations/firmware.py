"""Firmware: the station fetches a file from this server, and reports until it is installed; plain and signed.

Downloading, Downloaded, Installing (2.x: SignatureVerified, InstallRebooting, ...) ──> Installed
The station may leave and come back meanwhile: that is how most of them install.
"""

from typing import Any, Final

from pydantic import Field

from reconciler.local.operations.control import firmware_of
from reconciler.local.operations.course import (
    BadOrder,
    Course,
    Failed,
    Fetched,
    Heard,
    Left,
    Listen,
    Say,
    TimedOut,
    ask,
    ask_for,
    text,
)
from reconciler.local.operations.model import Parameters, Result
from reconciler.local.operations.operation import Operation, Order, every_version

_REPORTS: Final = ("FirmwareStatusNotification", "SignedFirmwareStatusNotification")
_DONE: Final = "Installed"
_BROKEN: Final = frozenset(
    {
        "DownloadFailed",
        "InstallationFailed",
        "InstallVerificationFailed",
        "InvalidSignature",
        "CertificateVerificationFailed",
        "InvalidCertificate",
        "RevokedCertificate",
    }
)
_SILENT: Final = "Idle"
"""What a station reports that has nothing to do; it says nothing about this job."""


class FirmwareParameters(Parameters):
    """Which file to install, and how."""

    file: str = Field(min_length=1, max_length=200)
    """Its name, as fwdctl firmware list shows it."""
    signed: bool = False
    """Have the station check the signature that was added with the file."""
    retries: int | None = Field(default=None, ge=0, le=20)
    """How often the station tries to download it."""
    retry_interval_s: int | None = Field(default=None, ge=1, le=24 * 3600)
    """How long it waits in between."""
    within_s: float = Field(default=1800, gt=0, le=24 * 3600)
    """How long to wait for its next report."""


class FirmwareResult(Result):
    """What was installed."""

    file: str = ""
    sha256: str = ""
    firmware: str = ""
    """The version that the station booted with meanwhile, "" where it did not."""


def firmware(order: Order) -> Course:
    """Have the station download and install firmware, and follow it to the end.

    `order.url` is where the file is; of `facts` it reads `sha256`, and of signed firmware `signature` and
    `certificate`.
    """
    wanted: FirmwareParameters = order.parameters
    action, payload = _request(order)
    if order.is_16 and not wanted.signed:
        yield from ask(action, payload)  # its answer says nothing
    else:
        yield from ask_for(action, payload, "Accepted", "AcceptedCanceled")
    yield Say(f"accepted: the charging station is to fetch {wanted.file}")
    booted = ""
    while True:
        happened = yield Listen(wanted.within_s)
        match happened:
            case Fetched():
                yield Say(f"{wanted.file} was downloaded whole")
            case Left():
                yield Say("the charging station left")
            case TimedOut():
                last = f"; it booted with firmware {booted} meanwhile" if booted else ""
                raise Failed(f"no further report of the charging station within {wanted.within_s:g} s{last}")
            case Heard(action="BootNotification", payload=boot):
                booted = firmware_of(boot)
                yield Say(f"the charging station booted{f', firmware {booted}' if booted else ''}")
            case Heard(action=report, payload=said) if status := _reported(order, report, said):
                yield Say(status)
                if status == _DONE:
                    sha256 = order.facts.get("sha256", "")
                    return FirmwareResult(status=status, file=wanted.file, sha256=sha256, firmware=booted)


def _request(order: Order) -> tuple[str, dict[str, Any]]:
    wanted: FirmwareParameters = order.parameters
    patience: dict[str, Any] = {"retries": wanted.retries, "retryInterval": wanted.retry_interval_s}
    patience = {name: value for name, value in patience.items() if value is not None}
    signed = {}
    if wanted.signed:
        signed = {
            "signature": order.facts.get("signature", ""),
            "signingCertificate": order.facts.get("certificate", ""),
        }
        if not all(signed.values()):
            hint = "fwdctl firmware add FILE --signature FILE --certificate FILE"
            raise BadOrder(f"{wanted.file} was added without a signature and a certificate: {hint}")
    if order.is_16 and not wanted.signed:
        return "UpdateFirmware", {"location": order.url, "retrieveDate": order.now} | patience
    file = {"location": order.url, "retrieveDateTime": order.now} | signed
    action = "SignedUpdateFirmware" if order.is_16 else "UpdateFirmware"
    return action, {"requestId": order.request_id, "firmware": file} | patience


def _reported(order: Order, report: str, said: Any) -> str:
    """Return what a message reports of this job, "" where it reports nothing; raises Failed where that is the end."""
    if report not in _REPORTS or not _is_ours(order, report, said):
        return ""
    status = text(said, "status")
    if status in _BROKEN:
        raise Failed(f"the charging station reported {status}")
    return "" if status == _SILENT else status


def _is_ours(order: Order, report: str, said: Any) -> bool:
    """Tell whether a report is about this job; a plain one of 1.6 has no number, and is."""
    if order.is_16 and report == "FirmwareStatusNotification":
        return not order.parameters.signed
    return bool(said.get("requestId", order.request_id) == order.request_id)


OPERATIONS: Final = (
    Operation(
        "firmware",
        "install firmware that this server hands out",
        "firmware",
        every_version("UpdateFirmware") | {"ocpp1.6": ("UpdateFirmware", "SignedUpdateFirmware")},
        FirmwareParameters,
        FirmwareResult,
        firmware,
        file="serves",
    ),
)
