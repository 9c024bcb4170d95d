"""Composition: one answer that carries fields of several features is put together from all their owners (R6).

    StartTransaction.conf, StopTransaction.conf   transactions        authorization: idTagInfo
    TransactionEventResponse                      transactions        authorization: idTokenInfo
                                                                      tariff-and-cost: totalCost, ...
                                                                      smart-charging: chargingPriority
The transactions owner's answer is the base. Within the deadline each other owner's fields replace what the base says of
them; past it, or where another owner answers with an error, the base stands as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.relay.envelope import Frame
from reconciler.relay.splice import find_members, with_members

_COST: Final = ("totalCost", "updatedPersonalMessage", "updatedPersonalMessageExtra", "transactionLimit")
_FIELDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "StartTransaction": {"authorization": ("idTagInfo",)},
    "StopTransaction": {"authorization": ("idTagInfo",)},
    "TransactionEvent": {
        "authorization": ("idTokenInfo",),
        "tariff-and-cost": _COST,
        "smart-charging": ("chargingPriority",),
    },
}
SHARED_ANSWERS: Final = tuple(_FIELDS)
"""Actions whose answer may have several owners."""


class Composition:
    """The answers to one station CALL, as they come in. `base` is the transactions owner's, once it is there."""

    __slots__ = ("_answers", "_fields", "base", "deadline")

    def __init__(self, fields: Mapping[str, tuple[str, ...]], deadline: float) -> None:
        self._fields = fields
        self._answers: dict[str, bytes | None] = {}
        self.base: Frame | None = None
        self.deadline = deadline

    @property
    def others(self) -> Iterable[str]:
        """The back-ends that have a part in the answer besides the transactions owner."""
        return self._fields

    @property
    def complete(self) -> bool:
        """True once everybody has answered."""
        return self.base is not None and self._answers.keys() == self._fields.keys()

    def answered(self, backend: str, payload: bytes | None) -> None:
        """Take another owner's answer; None for an error."""
        self._answers[backend] = payload

    def compose(self, base: bytes) -> bytes:
        """Return the base's payload with the fields of every other owner that answered."""
        members: dict[str, bytes | None] = {}
        for backend, payload in self._answers.items():
            if payload is None:
                continue
            fields = self._fields[backend]
            theirs = find_members(payload, fields)
            for field in fields:
                members[field] = payload[theirs[field][1] : theirs[field][2]] if field in theirs else None
        return with_members(base, members) if members else base


def shared_fields(action: str, owners: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return back-end -> the fields it owns of the answer to `action`; empty where one back-end owns all of it."""
    shared: dict[str, tuple[str, ...]] = {}
    for feature, fields in _FIELDS.get(action, {}).items():
        backend = owners[feature]
        if backend != owners["transactions"]:
            shared[backend] = shared.get(backend, ()) + fields
    return shared
