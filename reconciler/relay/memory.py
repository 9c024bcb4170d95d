"""What the relay remembers of one charger from session to session: boot, statuses, transactions and their ids (R9).

One object per charger outlives its sessions; the shell keeps a snapshot of it in the store whenever a session
says RememberCharger, so that it outlives the process too.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reconciler.model.desired import DesiredCharger
from reconciler.relay.availability import ReportedAvailability
from reconciler.relay.backlog import Backlog
from reconciler.relay.envelope import UNREADABLE, Frame
from reconciler.relay.list_version import ListVersion
from reconciler.relay.mapped_ids import MappedIds
from reconciler.relay.residue import ResidueBook
from reconciler.relay.transaction_ids import TransactionIdTable

_CONNECTORS_MAX: Final = 256
_TRANSACTIONS_MAX: Final = 64


class OpenTransaction(msgspec.Struct, frozen=True):
    """One open transaction under the station's id; `since_s` in the session's monotonic time."""

    id: str
    owner: str
    since_s: float
    connector: str = ""


class _Connector(msgspec.Struct, gc=False):
    connectorId: int = -1  # as OCPP writes it
    evseId: int = -1


class _TransactionInfo(msgspec.Struct, gc=False, frozen=True):
    transactionId: str = ""


class _Evse(msgspec.Struct, gc=False, frozen=True):
    id: int = -1


class _TransactionEvent(msgspec.Struct, gc=False):
    eventType: str = ""
    transactionInfo: _TransactionInfo = _TransactionInfo()
    evse: _Evse = _Evse()


_CONNECTOR: Final = msgspec.json.Decoder(_Connector)
_EVENT: Final = msgspec.json.Decoder(_TransactionEvent)


class SessionMemory:
    """A charger's memory. `statuses` holds the last StatusNotification payload per connector, oldest first."""

    __slots__ = (
        "accepted",
        "availability",
        "backlog",
        "boot",
        "ids",
        "list_version",
        "mapped",
        "ran",
        "residue",
        "statuses",
        "transactions",
        "version",
    )

    def __init__(self) -> None:
        self.version = ""
        self.boot: bytes | None = None
        self.accepted = False
        """The owner of provisioning accepted the station when it last booted."""
        self.backlog = Backlog()
        self.residue = ResidueBook()
        self.statuses: dict[str, bytes] = {}
        self.availability = ReportedAvailability()
        self.ids = TransactionIdTable()
        self.mapped = MappedIds()
        self.list_version = ListVersion()
        self.transactions: dict[str, OpenTransaction] = {}
        self.ran: DesiredCharger | None = None
        """The roles that ran last; kept with an open transaction, whose owner may have to stay (R10)."""

    def use_version(self, version: str) -> None:
        """Start a session in `version`; what was said in another version can't be replayed."""
        if version != self.version:
            self.version = version
            self.boot = None
            self.statuses.clear()
            self.availability.clear()
        self.backlog.version = version

    def station_booted(self, frame: Frame) -> None:
        """Keep a BootNotification; the station will report every connector's status anew."""
        self.boot = bytes(frame.payload)
        self.statuses.clear()
        self.availability.clear()

    def status_reported(self, frame: Frame) -> None:
        """Keep a StatusNotification as its connector's last."""
        try:
            where = _CONNECTOR.decode(frame.payload)
        except UNREADABLE:
            return
        key = f"{where.evseId}/{where.connectorId}"
        self.statuses.pop(key, None)
        if len(self.statuses) < _CONNECTORS_MAX:
            self.statuses[key] = bytes(frame.payload)

    def transaction_started(self, start: Frame, station_id: str, owner: str, now: float) -> None:
        """Note an accepted StartTransaction (1.6); it ends what was open on its connector, whatever became of that."""
        try:
            connector = _CONNECTOR.decode(start.payload).connectorId
        except UNREADABLE:
            connector = -1
        where = str(connector) if connector >= 0 else ""
        for left in [open_ for open_ in self.transactions.values() if where and open_.connector == where]:
            self.transaction_stopped(left.id.encode())
        self._open(OpenTransaction(station_id, owner, now, where))

    def transaction_stopped(self, station_id: bytes) -> None:
        """Note the end of a transaction."""
        self.ids.end(station_id)
        self.transactions.pop(station_id.decode(), None)
        self._ended()

    def transaction_event(self, event: Frame, owner: str, now: float) -> bool:
        """Note an answered TransactionEvent (2.x); returns True where a transaction began or ended."""
        try:
            said = _EVENT.decode(event.payload)
        except UNREADABLE:
            return False
        name = said.transactionInfo.transactionId
        if said.eventType == "Ended":
            known = self.transactions.pop(name, None) is not None
            self._ended()
            return known
        if not name or name in self.transactions:
            return False
        self._open(OpenTransaction(name, owner, now, str(said.evse.id) if said.evse.id >= 0 else ""))
        return True

    def _ended(self) -> None:
        if not self.transactions:
            self.residue.transactions_ended()

    def _open(self, transaction: OpenTransaction) -> None:
        self.transactions[transaction.id] = transaction
        while len(self.transactions) > _TRANSACTIONS_MAX:
            del self.transactions[next(iter(self.transactions))]

    def snapshot(self) -> Mapping[str, Any]:
        """Return ids and open transactions as JSON data (boot and statuses are bytes and are read as they are)."""
        return {
            "transactionIds": self.ids.snapshot(),
            "mappedIds": self.mapped.snapshot(),
            "listVersion": self.list_version.snapshot(),
            "residue": self.residue.snapshot(),
            "availability": self.availability.snapshot(),
            "accepted": self.accepted,
            "keptIn": {str(seq): version for seq, version in self.backlog.in_other_versions().items()},
            "transactions": [
                {"id": open_.id, "owner": open_.owner, "connector": open_.connector}
                for open_ in self.transactions.values()
            ],
            **({"ran": msgspec.json.encode(self.ran).decode()} if self.ran is not None and self.transactions else {}),
        }

    @classmethod
    def restored(
        cls, version: str, boot: bytes | None, statuses: Mapping[str, bytes], snapshot: Mapping[str, Any], now: float
    ) -> "SessionMemory":
        """Return the memory that was kept; open transactions count from `now`, for want of a common clock."""
        memory = cls()
        memory.version, memory.boot, memory.statuses = version, boot, dict(statuses)
        memory.ids.restore(list(snapshot.get("transactionIds", [])))
        memory.mapped.restore(snapshot.get("mappedIds", {}))
        if "listVersion" in snapshot:
            memory.list_version.restore(snapshot["listVersion"])
        memory.residue.restore(snapshot.get("residue", []))
        memory.availability.restore(snapshot.get("availability", {}))
        memory.accepted = bool(snapshot.get("accepted"))
        memory.backlog.expect(version, {int(seq): said_in for seq, said_in in snapshot.get("keptIn", {}).items()})
        for kept in snapshot.get("transactions", []):
            memory._open(OpenTransaction(kept["id"], kept["owner"], now, kept["connector"]))
        memory.ran = _ran(snapshot.get("ran"))
        return memory


def _ran(written: str | None) -> DesiredCharger | None:
    """Return roles as they were written; None where another release writes them otherwise."""
    try:
        return None if written is None else msgspec.json.decode(written, type=DesiredCharger)
    except msgspec.MsgspecError:
        return None
