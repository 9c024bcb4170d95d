"""How a simulated station answers the commands that all versions share, and keeps what its answers promised."""

import hashlib
import zlib
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.testing.dialect import answers
from reconciler.testing.peer import Side
from reconciler.testing.recording import RecordedCall
from reconciler.testing.station_service import install, upload

if TYPE_CHECKING:
    from reconciler.testing.station import SimulatedStation

Promise: TypeAlias = Callable[[], Coroutine[Any, Any, object]]
"""What the station will do once its answer is out."""

IDLE_REPORTS: Final = ("DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification")


class StationCommands(Side):
    """The commands of every version; the two subclasses add those whose words differ.

    Handlers get the payload as keyword arguments in snake case and return an answer of `self.results`.
    """

    def __init__(self, station: "SimulatedStation", results: Any) -> None:
        self.station = station
        self.memory = station.memory
        self.results = results
        self._promises: list[Promise] = []

    def promise(self, promise: Promise) -> None:
        """Do this after the answer to the command at hand was sent, if the station is obedient."""
        self._promises.append(promise)

    def answered(self, call: RecordedCall) -> None:
        """Keep the promises made by the answer."""
        promises, self._promises = self._promises, []
        if self.station.obedient:
            for promise in promises:
                self.station.keep(promise())

    def answer_raw(self, call: RecordedCall) -> dict[str, Any] | None:
        """Answer DataTransfer: the station knows its own vendor's messages and echoes their data."""
        if call.action != "DataTransfer" or not isinstance(call.payload, dict):
            return None
        if call.payload.get("vendorId") != self.memory.vendor:
            return {"status": "UnknownVendorId"}
        echoed = {"data": call.payload["data"]} if "data" in call.payload else {}
        return {"status": "Accepted"} | echoed

    def promise_firmware(self, action: str, location: str, request_id: int) -> None:
        """Promise to fetch firmware, reporting with `action` and the job's number."""

        async def report(status: str) -> None:
            await self.station.call(action, {"status": status, "requestId": request_id})

        self.promise(lambda: install(self.station, location, report))

    def promise_log(self, location: str, request_id: int) -> None:
        """Promise to upload the log, reporting with the job's number."""

        async def report(status: str) -> None:
            await self.station.call("LogStatusNotification", {"status": status, "requestId": request_id})

        self.promise(lambda: upload(self.station, location, report, "UploadFailure"))

    @answers("InstallCertificate")
    def on_install_certificate(self, certificate_type: str, certificate: str, **_: Any) -> Any:
        """Keep the certificate, under hashes that stand for it."""
        serial = f"{zlib.crc32(certificate.encode()):08x}"
        data = {
            "hash_algorithm": "SHA256",
            "issuer_name_hash": hashlib.sha256(certificate_type.encode()).hexdigest(),
            "issuer_key_hash": hashlib.sha256(certificate.encode()).hexdigest(),
            "serial_number": serial,
        }
        self.memory.certificates[serial] = (certificate_type, data)
        return self.results.InstallCertificate(status="Accepted")

    @answers("DeleteCertificate")
    def on_delete_certificate(self, certificate_hash_data: dict[str, Any], **_: Any) -> Any:
        """Forget a certificate, where there is such."""
        known = self.memory.certificates.pop(certificate_hash_data["serial_number"], None) is not None
        return self.results.DeleteCertificate(status="Accepted" if known else "NotFound")

    @answers("ClearCache")
    def on_clear_cache(self, **_: Any) -> Any:
        """There is no cache to speak of, so it is clear."""
        return self.results.ClearCache(status="Accepted")

    @answers("CancelReservation")
    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """Forget a reservation, where there is such."""
        known = self.memory.reservations.pop(reservation_id, None) is not None
        return self.results.CancelReservation(status="Accepted" if known else "Rejected")

    def reserve(self, reservation_id: int, connector: int | None) -> str:
        """Return ReserveNow's status, and reserve if it is Accepted."""
        free = self.memory.free_connector(connector)
        if free is None:
            return "Occupied"
        self.memory.reservations[reservation_id] = free
        return "Accepted"

    def remote_start(self, connector: int | None, tag: str, token_type: str, remote_start_id: int | None) -> str:
        """Return the status, and promise the transaction if it is Accepted."""
        free = self.memory.free_connector(connector)
        if free is None:
            return "Rejected"
        self.promise(
            lambda: self.station.start_transaction(free, tag, token_type=token_type, remote_start_id=remote_start_id)
        )
        return "Accepted"

    def remote_stop(self, transaction_id: int | str) -> str:
        """Return the status, and promise the end if it is Accepted."""
        transaction = self.memory.transaction(transaction_id)
        if transaction is None:
            return "Rejected"
        self.promise(lambda: self.station.stop_transaction(transaction, reason="Remote"))
        return "Accepted"

    def change_availability(self, connector: int | None, operative: bool) -> str:
        """Return the status; None or 0 is the whole station. A running transaction delays the change."""
        numbers = [n for n in self.memory.connectors if connector in (None, 0, n)]
        if not numbers:
            return "Rejected"
        for number in numbers:
            self.memory.connectors[number].operative = operative
        if any(number in self.memory.transactions for number in numbers):
            return "Scheduled"
        status = "Available" if operative else "Unavailable"
        for number in numbers:
            self.promise(lambda number=number: self.station.status(number, status))  # type: ignore[misc]
        return "Accepted"

    def trigger(self, message: str, connector: int | None) -> str:
        """Return the status, and promise the message if it is Accepted."""
        if message == "BootNotification":
            if self.memory.boot_status == "Accepted":
                return "Rejected"
            self.promise(lambda: self.station.boot(reason="Triggered"))
        elif message == "Heartbeat":
            self.promise(self.station.heartbeat)
        elif message == "StatusNotification":
            self.promise(lambda: self.station.announce(connector))
        elif message == "MeterValues":
            self.promise(lambda: self.station.meter_values(connector))
        elif message in IDLE_REPORTS:
            self.promise(lambda: self.station.call(message, {"status": "Idle"}))
        else:
            return "NotImplemented"
        return "Accepted"

    def take_profile(self, profile: dict[str, Any], profile_id: int) -> str:
        """Return SetChargingProfile's status; one for a transaction that isn't running is refused."""
        transaction_id = profile.get("transaction_id")
        if transaction_id is not None and self.memory.transaction(transaction_id) is None:
            return "Rejected"
        self.memory.profiles[profile_id] = profile
        return "Accepted"

    def clear_profiles(self, which: Callable[[int, dict[str, Any]], bool]) -> str:
        """Forget the profiles that `which` (id, profile) names; "Unknown" where there are none."""
        gone = [number for number, profile in self.memory.profiles.items() if which(number, profile)]
        for number in gone:
            del self.memory.profiles[number]
        return "Accepted" if gone else "Unknown"

    def take_local_list(self, version: int, update: str, entries: Iterable[tuple[str, dict[str, Any]]]) -> str:
        """Return SendLocalList's status; a differential update has to be newer than what is there."""
        if update == "Full":
            self.memory.local_list.clear()
        elif version <= self.memory.local_list_version:
            return "VersionMismatch"
        for tag, entry in entries:
            if "id_tag_info" in entry or "id_token_info" in entry:
                self.memory.local_list[tag] = entry
            else:
                self.memory.local_list.pop(tag, None)
        self.memory.local_list_version = version
        return "Accepted"
