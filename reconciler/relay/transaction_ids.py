"""Transaction ids of OCPP 1.6, which back-ends mint: one table per charger, station id <-> each back-end's own (R9).

    station              table                    back-end A        back-end B (observer)
    StartTransaction ──> begin(start) ──────────> StartTransaction  StartTransaction (copy)
    <── 7 ── the station keeps the owner's id <── 7                 900  (read, goes no further)
    StopTransaction(7) ─────────────────────────> (7)               (900)

-1 stands for "no id known" (OCPP 1.6 errata 3.18); some stations write 2^63-1 for that. Ids are JSON integers of any
size and are kept as text.
In OCPP 2.x stations mint the ids and nothing is mapped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.relay.splice import find_value, replace_span

UNKNOWN: Final = b"-1"
_UNKNOWN_TO_SOME: Final = b"9223372036854775807"

_UPWARD: Final[Mapping[str, tuple[str, ...]]] = {
    "MeterValues": ("transactionId",),
    "StopTransaction": ("transactionId",),
}
CARRIES_TRANSACTION_ID: Final = frozenset(_UPWARD)
"""The station's CALLs that name a transaction."""

_DOWNWARD: Final[Mapping[str, tuple[str, ...]]] = {
    "RemoteStopTransaction": ("transactionId",),
    "SetChargingProfile": ("csChargingProfiles", "transactionId"),
    "RemoteStartTransaction": ("chargingProfile", "transactionId"),  # which OCPP forbids, and somebody sends
}
NAMES_TRANSACTION: Final = frozenset(_DOWNWARD)
"""Back-ends' CALLs that may name a transaction."""
_ANSWER_PATH: Final = ("transactionId",)
_INT64_DIGITS: Final = 19
_REMEMBERED_MAX: Final = 64
"""Transactions kept per charger, open or over; the oldest go first (R15)."""


@dataclass(slots=True, eq=False)
class TransactionIds:
    """The ids of one transaction. `station` is None until the owner answered; two that look alike are two."""

    station: bytes | None = None
    backends: dict[str, bytes] = field(default_factory=dict)
    over: bool = False


class TransactionIdTable:
    """All transactions of one charger whose ids matter."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: list[TransactionIds] = []

    def begin(self) -> TransactionIds:
        """Return the entry that the answers to one StartTransaction fill in."""
        entry = TransactionIds()
        self._ids.append(entry)
        while len(self._ids) > _REMEMBERED_MAX:
            self._ids.remove(next((old for old in self._ids if old.over), self._ids[0]))
        return entry

    def owner_answered(self, entry: TransactionIds, backend: str, payload: bytes) -> bytes:
        """Take the owner's StartTransaction.conf and return it as the station is to see it.

        The station keeps the owner's id unless another transaction has it already; then it gets a free one. One that
        is over counts, too: a slow observer may still have to hear of it.
        """
        span = find_value(payload, _ANSWER_PATH)
        if span is None:
            self.forget(entry)
            return payload
        minted = payload[span[0] : span[1]]
        entry.backends[backend] = minted
        taken = {other.station for other in self._ids if other is not entry}
        entry.station = minted if minted not in taken and minted != UNKNOWN else _free_id(minted, taken)
        return payload if entry.station == minted else replace_span(payload, span, entry.station)

    def observer_answered(self, entry: TransactionIds, backend: str, payload: bytes) -> None:
        """Learn an observer's id from its answer."""
        span = find_value(payload, _ANSWER_PATH)
        if span is not None:
            entry.backends[backend] = payload[span[0] : span[1]]

    def forget(self, entry: TransactionIds) -> None:
        """Drop a transaction that never began."""
        if entry in self._ids:
            self._ids.remove(entry)

    def end(self, station_id: bytes) -> None:
        """Mark a transaction as over; copies that still wait for a slow observer need its ids a little longer."""
        for entry in self._ids:
            if entry.station == station_id:
                entry.over = True

    def to_backend(self, backend: str, action: str, payload: bytes, *, owner: bool) -> bytes:
        """Return a station's payload with the transaction id that `backend` knows.

        Ids that began outside the relay's knowledge stay untouched for the owner and become -1 for others. What
        stands for "no id known" at some stations becomes -1 for everybody: few back-ends read integers of that size.
        """
        path = _UPWARD.get(action)
        if path is None or (owner and _UNKNOWN_TO_SOME not in payload and self._same_everywhere(backend)):
            return payload
        span = find_value(payload, path)
        if span is None:
            return payload
        station_id = payload[span[0] : span[1]]
        entry = self._by_station_id(station_id)
        if entry is None:
            return payload if owner and station_id != _UNKNOWN_TO_SOME else replace_span(payload, span, UNKNOWN)
        theirs = entry.backends.get(backend, UNKNOWN)
        return payload if theirs == station_id else replace_span(payload, span, theirs)

    def to_station(self, backend: str, action: str, payload: bytes) -> bytes:
        """Return a back-end's payload with the transaction id that the station knows."""
        path = _DOWNWARD.get(action)
        if path is None or self._same_everywhere(backend):
            return payload
        span = find_value(payload, path)
        if span is None:
            return payload
        theirs = payload[span[0] : span[1]]
        newest_first = reversed(self._ids)
        station_id = next((entry.station for entry in newest_first if entry.backends.get(backend) == theirs), None)
        if station_id is None:  # not one that it was ever given: it must not hit another's transaction by chance
            taken = {entry.station for entry in self._ids}
            station_id = _free_id(theirs, taken) if theirs in taken else theirs
        return payload if station_id == theirs else replace_span(payload, span, station_id)

    def known_as(self, backend: str, station_id: bytes) -> bytes:
        """Return the id under which `backend` knows a station's transaction; one it never heard of is told to it.

        Only for `local`, which sees what the relay sees.
        """
        entry = self._by_station_id(station_id)
        if entry is None:
            return station_id
        if backend not in entry.backends:
            theirs = {known.backends.get(backend) for known in self._ids}
            entry.backends[backend] = station_id if station_id not in theirs else _free_id(station_id, theirs)
        return entry.backends[backend]

    def station_id(self, action: str, payload: bytes) -> bytes | None:
        """Return the station's transaction id in one of its own payloads, or None."""
        path = _UPWARD.get(action)
        span = find_value(payload, path) if path else None
        return payload[span[0] : span[1]] if span else None

    def _by_station_id(self, station_id: bytes) -> TransactionIds | None:
        return next((entry for entry in reversed(self._ids) if entry.station == station_id), None)

    def _same_everywhere(self, backend: str) -> bool:
        return all(entry.backends.get(backend) == entry.station for entry in self._ids)

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the table as JSON data."""
        return [
            {
                "station": entry.station.decode(),
                "backends": {name: id_.decode() for name, id_ in entry.backends.items()},
                "over": entry.over,
            }
            for entry in self._ids
            if entry.station is not None
        ]

    def restore(self, snapshot: list[dict[str, Any]]) -> None:
        """Take over a snapshot."""
        self._ids = [
            TransactionIds(
                station=str(entry["station"]).encode(),
                backends={str(name): str(id_).encode() for name, id_ in entry["backends"].items()},
                over=bool(entry["over"]),
            )
            for entry in snapshot
        ]


def _free_id(near: bytes, taken: set[bytes | None]) -> bytes:
    usable = near != UNKNOWN and len(near) <= _INT64_DIGITS and near.lstrip(b"-").isdigit()
    candidate = int(near) if usable else 1
    while str(candidate).encode() in taken or candidate == -1:
        candidate += 1
    return str(candidate).encode()
