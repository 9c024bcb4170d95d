"""How a simulated CSMS answers stations, and the transactions it learns of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.testing.dialect import Dialect, answers
from reconciler.testing.manners import CallFailed, CsmsManners
from reconciler.testing.peer import Side
from reconciler.testing.recording import Journal, RecordedCall

ACKNOWLEDGED: Final = (
    "BatterySwap",
    "ClearedChargingLimit",
    "ClosePeriodicEventStream",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDERAlarm",
    "NotifyDERStartStop",
    "NotifyDisplayMessages",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyPriorityCharging",
    "NotifyReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReportDERControl",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "SignedFirmwareStatusNotification",
    "StatusNotification",
)
"""Actions answered with an empty payload."""

ACCEPTED: Final = ("NotifyEVChargingNeeds", "NotifyEVChargingSchedule", "OpenPeriodicEventStream", "SignCertificate")
"""Actions answered with status Accepted and nothing more."""


@dataclass
class BilledTransaction:
    """A transaction as the CSMS sees it; in 2.x `id` is the station's. Meters are in Wh."""

    id: int | str
    identity: str
    connector: int
    tag: str
    meter_start_wh: float
    meter_wh: list[float] = field(default_factory=list)
    """Readings between start and end."""
    meter_stop_wh: float | None = None
    stop_reason: str = ""
    stopped: bool = False
    seq_nos: list[int] = field(default_factory=list)
    """2.x: the sequence numbers seen, in order of arrival."""


@dataclass
class Books:
    """What a CSMS keeps over its connections; tests may read and set all of it."""

    next_transaction_id: int
    heartbeat_interval_s: int
    boot_status: str
    now: Callable[[], str]
    journal: Journal
    transactions: dict[int | str, BilledTransaction] = field(default_factory=dict)
    blocked_tags: set[str] = field(default_factory=set)
    """Tags that are answered Blocked; any other is Accepted."""
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Identity -> payload of its last accepted BootNotification."""


class CsmsAnswers(Side):
    """What all versions share, on one connection."""

    token_info: str
    """The key under which this version's answers speak of a token."""

    def __init__(
        self, books: Books, identity: str, dialect: Dialect, manners: CsmsManners, *, light: bool = False
    ) -> None:
        self.books = books
        self.identity = identity
        self.results: Any = dialect.results
        self.booted = False
        self._manners = manners
        self._light = light

    def received(self, call: RecordedCall) -> CallFailed | None:
        """Refuse what comes before an accepted boot, where that is asked for."""
        if not self._manners.require_boot_first or self.booted or call.action == "BootNotification":
            return None
        return CallFailed("SecurityError", f"{call.action} before an accepted BootNotification")

    def answer_raw(self, call: RecordedCall) -> dict[str, Any] | None:
        """Answer what needs no thought, straight from the payload; DataTransfer finds no vendor known here."""
        if call.action == "DataTransfer":
            return {"status": "UnknownVendorId"}
        known = hasattr(self.results, call.action)
        if known and call.action in ACKNOWLEDGED:
            return {}
        if known and call.action in ACCEPTED:
            return {"status": "Accepted"}
        return self._light_answer(call.action) if self._light else None

    def _light_answer(self, action: str) -> dict[str, Any] | None:
        # For load: what stations say most, without the package's work and without entering meter values in the books.
        if action == "Heartbeat":
            return {"currentTime": self.books.now()}
        if action == "MeterValues":
            return {}
        if action == "Authorize" and not self.books.blocked_tags:
            return {self.token_info: {"status": "Accepted"}}
        return None

    def answered(self, call: RecordedCall) -> None:
        """Remember the station as it introduced itself."""
        if call.action == "BootNotification" and self.booted:
            self.books.registered[self.identity] = call.payload

    @answers("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        """Answer as `books.boot_status` says."""
        self.booted = self.books.boot_status == "Accepted"
        return self.results.BootNotification(
            status=self.books.boot_status,
            current_time=self.books.now(),
            interval=self.books.heartbeat_interval_s,
        )

    @answers("Heartbeat")
    def on_heartbeat(self, **_: Any) -> Any:
        """Tell the time."""
        return self.results.Heartbeat(current_time=self.books.now())

    def tag_status(self, tag: str) -> str:
        """Return what this CSMS thinks of a tag."""
        return "Blocked" if tag in self.books.blocked_tags else "Accepted"

    def find(self, transaction_id: int | str) -> BilledTransaction | None:
        """Return this station's transaction; one that is unknown or another's is a violation, for its bill is lost."""
        transaction = self.books.transactions.get(transaction_id)
        if transaction is not None and transaction.identity == self.identity:
            return transaction
        if transaction_id != -1:  # 1.6's own way to say that it was never told the number
            self.books.journal.violate(f"transaction {transaction_id!r} is unknown here", self.identity)
        return None


class CsmsAnswers16(CsmsAnswers):
    """OCPP 1.6."""

    token_info = "idTagInfo"

    @answers("Authorize")
    def on_authorize(self, id_tag: str, **_: Any) -> Any:
        """Judge the tag."""
        return self.results.Authorize(id_tag_info={"status": self.tag_status(id_tag)})

    @answers("StartTransaction")
    def on_start(self, connector_id: int, id_tag: str, meter_start: int, **_: Any) -> Any:
        """Number the transaction and judge the tag."""
        number = self.books.next_transaction_id
        self.books.next_transaction_id += 1
        self.books.transactions[number] = BilledTransaction(number, self.identity, connector_id, id_tag, meter_start)
        return self.results.StartTransaction(transaction_id=number, id_tag_info={"status": self.tag_status(id_tag)})

    @answers("MeterValues")
    def on_meter_values(self, meter_value: list[dict[str, Any]], transaction_id: int | None = None, **_: Any) -> Any:
        """Note the readings of a transaction."""
        if transaction_id is not None and (transaction := self.find(transaction_id)) is not None:
            transaction.meter_wh += readings_wh(meter_value)
        return self.results.MeterValues()

    @answers("StopTransaction")
    def on_stop(
        self, transaction_id: int, meter_stop: int, id_tag: str | None = None, reason: str = "Local", **_: Any
    ) -> Any:
        """Close the transaction."""
        if (transaction := self.find(transaction_id)) is not None:
            transaction.meter_stop_wh = meter_stop
            transaction.stop_reason = reason
            transaction.stopped = True
        info = None if id_tag is None else {"status": self.tag_status(id_tag)}
        return self.results.StopTransaction(id_tag_info=info)


class CsmsAnswers2(CsmsAnswers):
    """OCPP 2.0.1 and 2.1."""

    token_info = "idTokenInfo"

    @answers("Authorize")
    def on_authorize(self, id_token: dict[str, Any], **_: Any) -> Any:
        """Judge the token."""
        return self.results.Authorize(id_token_info={"status": self.tag_status(id_token["id_token"])})

    @answers("MeterValues")
    def on_meter_values(self, **_: Any) -> Any:
        """Acknowledge; readings outside of a transaction aren't billed."""
        return self.results.MeterValues()

    @answers("TransactionEvent")
    def on_transaction_event(
        self,
        event_type: str,
        seq_no: int,
        transaction_info: dict[str, Any],
        meter_value: list[dict[str, Any]] | None = None,
        evse: dict[str, Any] | None = None,
        id_token: dict[str, Any] | None = None,
        **_: Any,
    ) -> Any:
        """Note the event, and judge the token where there is one."""
        number = transaction_info["transaction_id"]
        values = readings_wh(meter_value or [])
        tag = id_token["id_token"] if id_token else ""
        if event_type == "Started":
            start = values[0] if values else 0
            billed = BilledTransaction(number, self.identity, evse["id"] if evse else 0, tag, start)
            billed.seq_nos.append(seq_no)
            self.books.transactions[number] = billed
        elif (found := self.find(number)) is not None:
            _note_event(found, event_type, seq_no, values, transaction_info.get("stopped_reason", "Local"))
        info = {"status": self.tag_status(tag)} if id_token else None
        return self.results.TransactionEvent(id_token_info=info)


def _note_event(billed: BilledTransaction, event_type: str, seq_no: int, values: list[float], reason: str) -> None:
    billed.seq_nos.append(seq_no)
    if event_type == "Updated":
        billed.meter_wh += values
        return
    billed.meter_stop_wh = values[-1] if values else None
    billed.stop_reason = reason
    billed.stopped = True


def readings_wh(meter_values: list[dict[str, Any]]) -> list[float]:
    """Return the energy registers among meter values, in Wh; their keys are in snake case."""
    found: list[float] = []
    for meter_value in meter_values:
        for sample in meter_value["sampled_value"]:
            if sample.get("measurand", "Energy.Active.Import.Register") != "Energy.Active.Import.Register":
                continue
            unit = sample.get("unit") or sample.get("unit_of_measure", {}).get("unit") or "Wh"
            found.append(float(sample["value"]) * (1000 if unit == "kWh" else 1))
    return found
