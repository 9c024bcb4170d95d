"""The backlog: calls that the relay acknowledged while their owner was away, until the owner has them (R11, `buffer`).

    owner away ──station CALL that an empty answer serves──> stored durably ──> answered {} ──> backlog
    owner registered again ──> the backlog goes up in order, oldest first ──> then what the station says now

Authorize and StartTransaction never get here: the relay accepts nobody in an owner's place. A message keeps its
message id, so that a back-end that saw it before a crash of the relay can tell.

A call goes up in a session of the OCPP version that it was said in, for no back-end reads another's; should the station
have changed its version, it waits for a session in the old one.

Bounded in number, bytes and age. When full, intermediate meter values make room, oldest first; where there are none
the call is not taken, and the station is left to queue it itself.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.relay.envelope import Frame, read_frame

_ENTRIES_MAX: Final = 2_000
_BYTES_MAX: Final = 2 * 2**20
_AGE_MAX_S: Final = 7 * 24 * 3600.0

_EVERY_VERSION: Final = (
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SecurityEventNotification",
    "MeterValues",
)
_V2: Final = (
    *_EVERY_VERSION,
    "TransactionEvent",
    "ClearedChargingLimit",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
)
KEPT: Final = {
    "ocpp1.6": frozenset(
        (*_EVERY_VERSION, "StopTransaction", "DiagnosticsStatusNotification", "SignedFirmwareStatusNotification")
    ),
    "ocpp2.0.1": frozenset(_V2),
    "ocpp2.1": frozenset(
        (
            *_V2,
            "BatterySwap",
            "ClosePeriodicEventStream",
            "NotifyDERAlarm",
            "NotifyDERStartStop",
            "NotifyPriorityCharging",
            "NotifySettlement",
            "ReportDERControl",
        )
    ),
}
"""Actions that an empty answer serves, hence that the backlog may take; StatusNotification is remembered anyway."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One acknowledged call. `seq` orders a charger's calls; `at_s` is in the session's monotonic time."""

    seq: int
    frame: Frame
    at_s: float
    version: str = ""
    """The OCPP version it was said in."""
    seen_by: set[str] = field(default_factory=set, compare=False)
    """Observers that have it already: should one of them become the owner, it is not told twice."""

    @property
    def intermediate(self) -> bool:
        """True for meter values between a transaction's beginning and end: the first to go when room is short."""
        if self.frame.action == "TransactionEvent":
            return b'"Updated"' in self.frame.raw
        return self.frame.action == "MeterValues"


class Backlog:
    """One charger's backlog."""

    __slots__ = ("_bytes", "_kept", "_next_seq", "_other_versions", "version")

    def __init__(self) -> None:
        self.version = ""
        """The OCPP version of the session at hand."""
        self._other_versions: Mapping[int, str] = {}
        """Of what is about to be restored: those said in another version than the last."""
        self._kept: deque[Kept] = deque()
        self._bytes = 0
        self._next_seq = 1

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept)

    def take(self, frame: Frame, now: float) -> tuple[Kept | None, list[int]]:
        """Return the call as kept, None where there is no room for it, and the `seq` of what had to make room."""
        gone = [old.seq for old in self._kept if now - old.at_s > _AGE_MAX_S]
        self.forget(gone)
        victims = self._room_for(frame)
        if victims is None:
            return None, gone
        self.forget(victims)
        gone += victims
        kept = Kept(self._next_seq, frame, now, self.version)
        self._next_seq += 1
        self._append(kept)
        return kept, gone

    def seen(self, frame: Frame, backend: str) -> Kept | None:
        """Note that an observer answered its copy of `frame`; return the call where it is kept."""
        for kept in self._kept:
            if kept.frame is frame:
                kept.seen_by.add(backend)
                return kept
        return None

    def forget(self, seqs: Iterable[int]) -> None:
        """Drop calls that their owner has, or that made room."""
        dropped = set(seqs)
        if len(dropped) == 1 and self._kept and self._kept[0].seq in dropped:  # as it goes while the backlog drains
            self._bytes -= len(self._kept.popleft().frame.raw)
        elif dropped:
            self._bytes -= sum(len(old.frame.raw) for old in self._kept if old.seq in dropped)
            self._kept = deque(old for old in self._kept if old.seq not in dropped)

    def in_other_versions(self) -> Mapping[int, str]:
        """Return seq -> version of what waits for a session in another version than this one."""
        return {kept.seq: kept.version for kept in self._kept if kept.version != self.version}

    def expect(self, version: str, others: Mapping[int, str]) -> None:
        """Tell in which version what is about to be restored was said."""
        self.version, self._other_versions = version, others

    def restore(self, stored: Iterable[tuple[int, bytes, float]]) -> None:
        """Take over what was stored: (seq, raw frame, monotonic seconds), in any order."""
        for seq, raw, at_s in sorted(stored):
            frame = read_frame(raw)
            if isinstance(frame, Frame):
                self._append(Kept(seq, frame, at_s, self._other_versions.get(seq, self.version)))
                self._next_seq = max(self._next_seq, seq + 1)

    def _room_for(self, frame: Frame) -> list[int] | None:
        """Return the `seq` of what has to go for this one, None where even that is not enough."""
        entries, size = len(self._kept) + 1, self._bytes + len(frame.raw)
        victims: list[int] = []
        for old in self._kept:
            if entries <= _ENTRIES_MAX and size <= _BYTES_MAX:
                break
            if old.intermediate:
                victims.append(old.seq)
                entries, size = entries - 1, size - len(old.frame.raw)
        return victims if entries <= _ENTRIES_MAX and size <= _BYTES_MAX else None

    def _append(self, kept: Kept) -> None:
        self._kept.append(kept)
        self._bytes += len(kept.frame.raw)
